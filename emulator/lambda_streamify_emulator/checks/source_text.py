"""The text of a function's own Python files. It is searched, never run."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

# What is larger is data; what is more is not one function's own code.
FILE_LIMIT_BYTES = 1_000_000
FILES_LIMIT = 500
_FOREIGN = {"node_modules", "site-packages", "tests", "test", "venv"}


@dataclass(frozen=True)
class Hit:
    """A line of a function's code."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class SourceText:
    """The files of one function, without what is only a comment."""

    def __init__(self, files: dict[str, str]) -> None:
        self._files = {name: _without_comments(text) for name, text in files.items()}

    def find(self, pattern: re.Pattern[str]) -> Hit | None:
        """Where `pattern` matches first."""
        for name, text in self._files.items():
            found = pattern.search(text)
            if found:
                return Hit(name, text.count("\n", 0, found.start()) + 1)
        return None


def read_folder(folder: Path) -> SourceText:
    """The Python files below `folder`, without installed packages, tests and what is hidden."""
    files: dict[str, str] = {}
    installed = _installed(folder)
    for parent, folders, names in os.walk(folder):
        at_root = Path(parent) == folder
        folders[:] = sorted(
            name
            for name in folders
            if name not in _FOREIGN
            and not name.startswith(".")
            and not (at_root and name in installed)
            and not Path(parent, name, "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            path = Path(parent, name)
            is_own = name.endswith(".py") and not name.startswith("test_") and not (at_root and name in installed)
            if is_own and len(files) < FILES_LIMIT:
                text = _read(path)
                if text is not None:
                    files[str(path.relative_to(folder))] = text
    return SourceText(files)


def _installed(folder: Path) -> set[str]:
    """What packages have put into `folder`, by the lists that pip leaves (PyPA, "Recording installed projects")."""
    names: set[str] = set()
    for record in folder.glob("*.dist-info/RECORD"):
        for line in (_read(record) or "").splitlines():
            names.add(line.partition(",")[0].strip('"').partition("/")[0])
    return names


def _read(path: Path) -> str | None:
    try:
        if path.stat().st_size > FILE_LIMIT_BYTES:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def _without_comments(text: str) -> str:
    return "\n".join("" if line.lstrip().startswith("#") else line for line in text.split("\n"))
