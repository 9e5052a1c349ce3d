"""The folder that stands for /var/task: the function's code and, beside it, what its requirements.txt lists.

Where there are requirements it is made as `sam build` makes it, with one difference: the code is linked, not copied, so
that an edited file is the one that the next sandbox runs.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from .cache import build_once
from .errors import BuildError
from .layers import install_requirements
from .programs import Run


def has_requirements(code: Path) -> bool:
    """Whether the folder asks for anything to be installed."""
    try:
        lines = (code / "requirements.txt").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return False
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{code / 'requirements.txt'} cannot be read: {error}") from error
    return any(line.strip() and not line.lstrip().startswith("#") for line in lines)


def newest_change(code: Path) -> int:
    """When the newest file of the code was changed, in nanoseconds; bytecode and hidden folders do not count.

    It costs a look at each file: it is asked for at each invocation.
    """
    newest, folders = 0, [str(code)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:  # what is gone by now changes the answer later
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name != "__pycache__":
                        folders.append(entry.path)
                elif entry.is_file():
                    newest = max(newest, entry.stat().st_mtime_ns)
    return newest


def prepare(code: Path, python: Path, root: Path, say: Callable[[str], None], run: Run) -> Path:
    """The folder with the code and its requirements: `code` itself, or `root` filled with links.

    `say` is told what takes a while.
    """
    if not has_requirements(code):
        return code
    requirements = code / "requirements.txt"
    key = sha256(requirements.read_bytes() + str(python).encode()).hexdigest()[:16]

    def install(folder: Path) -> None:
        say(f"installing {requirements}")
        install_requirements(requirements, folder, run, python)

    installed = build_once(f"requirements-{key}", install)
    root.mkdir(parents=True)
    for folder in (installed, code):  # the code last: its files win
        for entry in folder.iterdir():
            if entry.name != "__pycache__":  # what is compiled here must not be found by other functions
                link = root / entry.name
                link.unlink(missing_ok=True)
                link.symlink_to(entry)
    return root
