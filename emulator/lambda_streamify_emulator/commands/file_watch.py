"""Notices that files have changed. It asks for their state at intervals.

An editor may write a file, or put another one in its place; a path may lead through links, and lie on any file system.
All of these change what stat(2) returns, and a few calls of it twice a second cost nothing.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

INTERVAL_S = 0.5

State = list[tuple[int, int, int, int] | None]


class FileWatch:
    """Watches the files from now on."""

    def __init__(self, paths: Sequence[Path], sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._paths = paths
        self._sleep = sleep
        self._known = self._look()

    async def wait_for_change(self) -> None:
        """Return when a file has changed since the last call, and then has not changed for an interval.

        An editor may need several calls to write a file, and a half of it is no template.
        """
        before = self._known
        while True:
            now = self._look()
            if now == before != self._known:
                self._known = now
                return
            before = now
            await self._sleep(INTERVAL_S)

    def _look(self) -> State:
        return [_state(path) for path in self._paths]


def _state(path: Path) -> tuple[int, int, int, int] | None:
    """Return what changes with the content of a file; None if there is no file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - as in building/code_watch.py
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
