"""What others' tools cost to install, once, in one folder outside the clone."""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from processes import clean_environment

INSTALL_TIMEOUT_S = 10 * 60


def kept_folder(name: str) -> Path:
    """Return the folder of a tool; it may not exist yet."""
    kept = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(kept) / "lambda-streamify" / name


@contextmanager
def making(folder: Path) -> Iterator[bool]:
    """Hold the folder's lock, since tests may run in several processes; give whether nobody has filled it yet."""
    folder.mkdir(parents=True, exist_ok=True)
    complete = folder / "complete"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield not complete.exists()
        complete.touch()


def run_or_skip(*command: str | Path) -> None:
    """Run a command that installs something. Skips the test if it fails."""
    ran = subprocess.run(
        command, env=clean_environment(), capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
    )
    if ran.returncode:
        pytest.skip(f"{' '.join(map(str, command))} fails: {(ran.stderr or ran.stdout).strip()[-300:]}")
