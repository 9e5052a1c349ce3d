"""Measures the memory use of a sandbox at intervals, while it starts or runs an invocation."""

import asyncio
import time
from collections.abc import Callable

from .memory import memory_used, proportional_use

MEMORY_CHECK_INTERVAL_S = 0.2  # a check takes 0.1 ms, and hundreds of sandboxes may run
# The same where a sandbox has many processes, of which each takes about a millisecond.
SHARED_MEMORY_CHECK_INTERVAL_S = 1.0
TIME_FRACTION_LIMIT = 0.05  # of the emulator's time that the measurements of one such sandbox may use


class MemoryWatch:
    """Calls `exceeded` while more than `limit` bytes are used. `processes` returns the ids, the runtime's first."""

    interval_s = MEMORY_CHECK_INTERVAL_S

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
        self._timer = asyncio.get_running_loop().call_later(self.interval_s, self.check)

    def start(self) -> None:
        """Measure at intervals until it is stopped."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.interval_s, self.check)

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

    `measured` is called with the bytes and the number of processes after each measurement.
    """

    interval_s = SHARED_MEMORY_CHECK_INTERVAL_S

    def __init__(
        self,
        limit: int,
        processes: Callable[[], list[int]],
        exceeded: Callable[[], None],
        measured: Callable[[int, int], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(limit, processes, exceeded)
        self._measured = measured
        self._clock = clock
        self._latest = 0
        self._next = 0.0  # not measured again before, since an invocation may end every few milliseconds

    def measure(self) -> int:
        """Return the latest memory use in bytes, which may be some milliseconds old; 0 if it is unknown."""
        processes, start = self._processes(), self._clock()
        if processes and start >= self._next:
            used = proportional_use(processes[0], processes[1:])
            end = self._clock()
            self._next = end + (end - start) / TIME_FRACTION_LIMIT
            if used is not None:
                self._latest, count = used
                self.peak = max(self._latest, self.peak or 0)
                self._measured(self._latest, count)
        return self._latest
