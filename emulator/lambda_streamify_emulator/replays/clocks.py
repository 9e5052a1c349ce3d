"""The clocks of a replay: the real one, and a virtual one on which waiting takes no time.

All times are in seconds. `wait_until` blocks the thread, `await_until` only the task.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# An event loop rounds waits up to whole milliseconds (epoll), so a task that slept until a chunk is due would be late.
EVENT_LOOP_RESOLUTION_S = 0.001


class Clock(Protocol):
    """Tells a replay the time and waits for a point in time."""

    def now(self) -> float:
        """Return the time in seconds, from an arbitrary start."""

    def wait_until(self, due: float) -> None:
        """Return at the time `due`, or at once if it has passed."""

    async def await_until(self, due: float) -> None:
        """Return at the time `due`, or at once if it has passed."""


class RealClock:
    """Real time."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        async_sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self.now = clock
        self._sleep = sleep
        self._async_sleep = async_sleep

    def wait_until(self, due: float) -> None:
        """Sleep until the time `due`."""
        while (delay := due - self.now()) > 0:
            self._sleep(delay)

    async def await_until(self, due: float) -> None:
        """Sleep until shortly before `due`; then check the clock once per turn of the event loop."""
        while (delay := due - self.now()) > 0:
            await self._async_sleep(max(0.0, delay - EVENT_LOOP_RESOLUTION_S))


class VirtualClock:
    """Virtual time: waiting moves it forward at once. It starts at 0 and never goes backwards."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """Return the virtual time in seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the time forward, as if the program had spent it on something else."""
        self._now += seconds

    def wait_until(self, due: float) -> None:
        """Set the time to `due`, unless it is later already."""
        self._now = max(self._now, due)

    async def await_until(self, due: float) -> None:
        """Let other tasks run, as a real wait would; then set the time to `due`, unless it is later already."""
        await asyncio.sleep(0)
        self.wait_until(due)
