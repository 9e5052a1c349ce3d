"""Pauses and continues a container, one command of the engine after the other."""

import asyncio
from collections.abc import Awaitable, Callable


class Pausing:
    """Brings a container to the latest state that was asked for; states in between are left out.

    `command` runs "pause" or "unpause". If it fails, the container has ended, or is about to.
    """

    def __init__(self, command: Callable[[str], Awaitable[object]]) -> None:
        self._command = command
        self._wanted = self._is = False
        self._worker: asyncio.Task[None] | None = None

    def set(self, *, paused: bool) -> None:
        """Pause or continue the container, as soon as the command before has ended."""
        self._wanted = paused
        if self._wanted != self._is and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._work())

    async def end(self) -> None:
        """Wait until no command runs."""
        if self._worker is not None:
            await self._worker

    async def _work(self) -> None:
        while self._is != self._wanted:
            self._is = self._wanted
            await self._command("pause" if self._is else "unpause")
