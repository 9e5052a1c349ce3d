"""Measures the memory use of a sandbox at intervals, while it starts or runs an invocation."""

import asyncio
import time
from collections.abc import Callable

from .memory import memory_used, proportional_use

MEMORY_CHECK_INTERVAL_S = 0.2  # a check takes 0.1 ms, and hundreds of sandboxes may run
TIME_FRACTION_LIMIT = 0.05  # of a processor that the checks of a sandbox with many processes may use


class MemoryWatch:
    """Calls `exceeded` while more than `limit` bytes are used. `processes` returns the ids, the runtime's first."""

    def __init__(self, limit: int, processes: Callable[[], list[int]], exceeded: Callable[[], None]) -> None:
        self.limit = limit
        self.peak: int | None = None
        """The highest memory use so far, in bytes; None if it is unknown."""
        self._processes = processes
        self._exceeded = exceeded
        self._timer: asyncio.TimerHandle | None = None

    def check(self) -> None:
        """Measure now, and then at intervals until it is stopped."""
        if self.measure() > self.limit:
            self._exceeded()
        self._timer = asyncio.get_running_loop().call_later(MEMORY_CHECK_INTERVAL_S, self.check)

    def start(self) -> None:
        """Measure at intervals until it is stopped."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MEMORY_CHECK_INTERVAL_S, self.check)

    def stop(self) -> None:
        """Stop measuring."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def measure(self) -> int:
        """Return the present memory use in bytes, 0 if it is unknown."""
        processes = self._processes()
        used = memory_used(processes[0], self.limit, processes[1:]) if processes else None
        if used is None:
            return 0
        self.peak = max(used.peak, self.peak or 0)
        return used.now


class SharedMemoryWatch(MemoryWatch):
    """The same for many processes, among which the memory that they share is divided (proportional set size).

    The kernel needs about a millisecond for each process, so a thread measures, and less often if it takes longer.
    `measured` is called with the bytes and the number of processes after each measurement.
    """

    def __init__(
        self,
        limit: int,
        processes: Callable[[], list[int]],
        exceeded: Callable[[], None],
        measured: Callable[[int, int], None],
    ) -> None:
        super().__init__(limit, processes, exceeded)
        self._measured = measured
        self._latest = 0
        self._is_on = False
        self._next = 0.0  # when to measure again, on the monotonic clock
        self._measuring: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Measure now, and then at intervals until it is stopped."""
        self._is_on = True
        self._timer = None
        self._begin()

    def start(self) -> None:
        """Measure at intervals until it is stopped."""
        self._is_on = True
        if self._measuring is None:
            super().start()

    def stop(self) -> None:
        """Stop measuring, after a last time: what has run may have been short."""
        self._is_on = False
        super().stop()
        if time.monotonic() >= self._next:
            self._begin()

    def measure(self) -> int:
        """Return the latest memory use in bytes, 0 if it is unknown."""
        return self._latest

    def _begin(self) -> None:
        processes = self._processes()
        if processes and self._measuring is None:
            self._measuring = asyncio.create_task(self._measure(processes))

    async def _measure(self, processes: list[int]) -> None:
        start = time.monotonic()
        used = await asyncio.to_thread(proportional_use, processes[0], processes[1:])
        end = time.monotonic()
        pause = max(MEMORY_CHECK_INTERVAL_S, (end - start) / TIME_FRACTION_LIMIT)
        self._measuring, self._next = None, end + pause
        if self._is_on:
            self._timer = asyncio.get_running_loop().call_later(pause, self.check)
        if used is not None:
            self._latest, count = used
            self.peak = max(self._latest, self.peak or 0)
            self._measured(self._latest, count)
            if self._latest > self.limit:
                self._exceeded()
