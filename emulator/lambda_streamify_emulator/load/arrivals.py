"""When requests are due if they do not wait for each other: the arrivals of a Poisson process.

The users of a process share its arrivals. Each user brings a clock with a rate of its own, and the arrivals of all
clocks together are again a Poisson process, whose rate is the sum (the superposition of Poisson processes). So the rate
is right however Locust spreads the users over processes and machines.

An arrival keeps its time while no user is free. The user that serves it later counts from that time, so a slow server
cannot hide that it is slow by keeping the clients busy (Gil Tene calls this coordinated omission).
"""

from __future__ import annotations

import heapq
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random


class Arrivals:
    """The arrivals for the users of one process. Times are in seconds; `rate` is a user's arrivals per second."""

    def __init__(self, rate: float, random: Random) -> None:
        self.rate = rate
        self._random = random
        self._numbers = count()
        self._clocks: list[tuple[float, int, Callable[[], bool]]] = []

    def join(self, now: float, is_running: Callable[[], bool]) -> None:
        """Add a user's clock. Its arrivals end when `is_running` returns False."""
        heapq.heappush(self._clocks, (now + self._interval(), next(self._numbers), is_running))

    def next(self) -> float | None:
        """Return the time of the earliest arrival, or None if no user is running."""
        while self._clocks and not self._clocks[0][2]():
            heapq.heappop(self._clocks)
        return self._clocks[0][0] if self._clocks else None

    def take(self, now: float) -> list[float]:
        """Take all arrivals up to `now`, and return their times in order."""
        taken = list[float]()
        while (due := self.next()) is not None and due <= now:
            _, number, is_running = self._clocks[0]
            heapq.heapreplace(self._clocks, (due + self._interval(), number, is_running))
            taken.append(due)
        return taken

    def _interval(self) -> float:
        return self._random.expovariate(self.rate)
