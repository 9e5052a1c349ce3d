"""Measures the memory use of a sandbox at intervals, while it starts or runs an invocation."""

import asyncio
from collections.abc import Callable

from .memory import memory_used

MEMORY_CHECK_INTERVAL_S = 0.2  # a check takes 0.1 ms, and hundreds of sandboxes may run


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
