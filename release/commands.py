"""Programs that a release runs, each by itself: `make`'s own variables do not reach them."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .errors import ReleaseError

# By MAKEFLAGS the outer make would pass its own VERSION on. The others change what Python writes.
_FOREIGN = ("MAKE", "MFLAGS", "PYTHON")


def run(*command: str | Path, cwd: Path, variables: Mapping[str, str] | None = None, umask: int = -1) -> str:
    """Return what the command prints on standard output, without the last line end.

    Raises `ReleaseError` with the command and what it printed if it fails.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=kept | dict(variables or {}),
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        shown = " ".join(map(str, command))
        raise ReleaseError(f"{shown}\nexited with status {done.returncode}:\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout.rstrip("\n")
