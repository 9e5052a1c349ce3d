"""Gives each request, when it is due, to the user that has been free for longest."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import gevent
from gevent.event import Event
from gevent.queue import Queue

from .arrivals import Arrivals

if TYPE_CHECKING:
    from collections.abc import Callable


class Dispatcher:
    """Serves the users of one class in one process. `rate` is the requests per second for each user."""

    def __init__(self, rate: float) -> None:
        self._arrivals = Arrivals(rate, random.SystemRandom())
        self._due = Queue()
        self._joined = Event()
        self._free = 0
        self._greenlet = gevent.spawn(self._run)

    def join(self, is_running: Callable[[], bool]) -> None:
        """Add a user, until `is_running` returns False."""
        self._arrivals.join(time.monotonic(), is_running)
        self._joined.set()

    def take(self) -> float:
        """Wait until a request is due, and return when it was, on the monotonic clock."""
        self._free += 1
        try:
            due: float = self._due.get()
        finally:
            self._free -= 1
        return due

    def stop(self) -> int:
        """Stop for good, and return for how many requests that were due no user was free."""
        self._greenlet.kill()
        waiting: int = self._due.qsize() + len(self._arrivals.take(time.monotonic()))
        return max(0, waiting - self._free)

    def _run(self) -> None:
        while True:
            due = self._arrivals.next()
            if self._joined.wait(None if due is None else max(0, due - time.monotonic())):
                self._joined.clear()
            for taken in self._arrivals.take(time.monotonic()):
                self._due.put(taken)
