"""The clocks of a replay: the real one, and one that a test owns and nobody waits for.

All times are seconds. `wait_until` blocks the thread, `await_until` the task only.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

# An event loop waits in whole milliseconds, rounded up (epoll): one that slept until a chunk is due would be late.
LOOP_TICK = 0.001


class Clock(Protocol):
    """What tells a replay the time, and lets it pass."""

    def now(self) -> float:
        """The time, from any start."""

    def wait_until(self, due: float) -> None:
        """Return when it is `due`, at once if that is over."""

    async def await_until(self, due: float) -> None:
        """Return when it is `due`, at once if that is over."""


class RealClock:
    """Time as it passes for everybody."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        asleep: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self.now = clock
        self._sleep = sleep
        self._asleep = asleep

    def wait_until(self, due: float) -> None:
        """Sleep until it is due."""
        while (delay := due - self.now()) > 0:
            self._sleep(delay)

    async def await_until(self, due: float) -> None:
        """Sleep until it is nearly due; then look at the clock each time around the event loop."""
        while (delay := due - self.now()) > 0:
            await self._asleep(max(0.0, delay - LOOP_TICK))


class VirtualClock:
    """Time that passes because somebody waits for it: at once. Begins at 0 and never goes backwards."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        """The latest time that was waited for."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass, as if it had been spent elsewhere."""
        self._now += seconds

    def wait_until(self, due: float) -> None:
        """It is due now."""
        self._now = max(self._now, due)

    async def await_until(self, due: float) -> None:
        """It is due now. Other tasks get a turn, as they would if this had waited."""
        await asyncio.sleep(0)
        self.wait_until(due)
