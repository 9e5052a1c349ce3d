"""The Pythons that write the layer's bytecode."""

import shutil
from pathlib import Path

from .commands import run
from .errors import ReleaseError


def version_of(python: str) -> str:
    """Return the version of an interpreter, such as `3.13`."""
    if shutil.which(python) is None:
        raise ReleaseError(f"PYTHONS names {python}, which is not on the PATH: install it, or name the program's path")
    program = "import sys; print('{}.{}'.format(*sys.version_info))"
    return run(python, "-c", program, cwd=Path.cwd())
