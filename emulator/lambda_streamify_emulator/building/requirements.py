"""Installs the packages of a requirements.txt, as `sam build` does."""

import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ..errors import BuildError
from .installers import install_packages
from .programs import Run

REQUIREMENTS = "requirements.txt"
# Options that include other files: pip documentation, "Requirements File Format".
_INCLUDED = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[\s=]*([^\s#]+)")
_LOCAL = re.compile(r"\s*(?:[^\s#]+\s*@\s*file://|(?:-e|--editable)[\s=]+)?([^\s#;]+)")


def has_requirements(code: Path) -> bool:
    """Whether the folder has a requirements.txt that lists anything."""
    return any(line.strip() and not line.lstrip().startswith("#") for line in _lines(code / REQUIREMENTS))


def requirements_key(requirements: Path, python: Path) -> str:
    """Return a hash of what installing `requirements` for the interpreter `python` depends on.

    It covers included files, and archives on this machine that the file names.
    """
    key = sha256(str(python).encode())
    for file in _read_with(requirements, set()):
        key.update(sha256(file.read_bytes()).digest())
    return key.hexdigest()[:16]


def install(requirements: Path, target: Path, run: Run, python: Path | None = None) -> None:
    """Install the packages in `requirements` into the folder `target`, for the interpreter `python`.

    Raises BuildError if that fails.
    """
    install_packages(str(requirements), ["--requirement", str(requirements)], target, run, python)


def _lines(requirements: Path) -> list[str]:
    try:
        return requirements.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{requirements} cannot be read: {error}") from error


def _read_with(requirements: Path, seen: set[Path]) -> Iterator[Path]:
    """Yield the file and the files that it includes, each once. Missing files are skipped: pip reports them."""
    if requirements.resolve() in seen or not requirements.is_file():
        return
    seen.add(requirements.resolve())
    yield requirements
    for line in _lines(requirements):
        included = _INCLUDED.match(line)
        if included:
            yield from _read_with(requirements.parent / included[1], seen)
            continue
        local = _LOCAL.match(line)
        if local and Path(local[1]).is_file():  # relative to the working folder, as in pip
            yield Path(local[1])
