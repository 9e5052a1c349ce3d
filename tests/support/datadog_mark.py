"""The file by which Datadog's package knows that its extension runs (datadog_lambda/extension.py, EXTENSION_PATH).

It has one path on the whole machine. So tests that need the file and tests that must not see it hold a lock, also
against other runs of the tests.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir

import pytest

MARK = Path("/opt/extensions/datadog-agent")
LOCK = Path(gettempdir()) / "lambda-streamify-datadog.lock"


@contextmanager
def marked() -> Iterator[None]:
    """Have the file for the length of the block. Skips the test if it cannot be made."""
    with _locked(fcntl.LOCK_EX):
        if MARK.exists():
            yield
            return
        made = [folder for folder in MARK.parents if not folder.exists()]
        try:
            MARK.parent.mkdir(parents=True, exist_ok=True)
            MARK.touch()
        except OSError as error:
            pytest.skip(f"{MARK} cannot be made: {error.strerror}")
        try:
            yield
        finally:
            MARK.unlink()
            for folder in made:
                folder.rmdir()


@contextmanager
def unmarked() -> Iterator[None]:
    """Keep the file away for the length of the block. Skips the test if somebody else has made it."""
    with _locked(fcntl.LOCK_SH):
        if MARK.exists():
            pytest.skip(f"{MARK} exists, so Datadog's package sends to its extension, and not to the log")
        yield


@contextmanager
def _locked(kind: int) -> Iterator[None]:
    with LOCK.open("a") as lock:
        fcntl.flock(lock, kind)
        yield
