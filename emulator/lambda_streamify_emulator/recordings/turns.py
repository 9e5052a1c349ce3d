"""Turns: a stream that goes on when its reader says so, from whatever thread or task."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # the built-in one from Python 3.11 on
from threading import Lock

from ..errors import ReplayNotReleased


class Turns:
    """Each `take` uses up one turn; the first one is there. Who finds none waits `patience` seconds for one."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = Lock()
        self._left = 1
        self._waiting: deque[Future[None]] = deque()

    def release(self) -> None:
        """Add a turn."""
        with self._lock:
            while self._waiting:
                future = self._waiting.popleft()
                if future.set_running_or_notify_cancel():
                    future.set_result(None)
                    return
            self._left += 1

    def take(self, what: str) -> None:
        """Use a turn; `what` waits for it. Raises ReplayNotReleased if none comes."""
        future = self._next()
        try:
            future.result(self._patience)
        except FutureTimeout:
            future.cancel()
            raise self._lost_patience(what) from None

    async def atake(self, what: str) -> None:
        """Use a turn, and leave the event loop to others meanwhile."""
        future = self._next()
        if future.done():
            return
        try:
            await asyncio.wait_for(asyncio.wrap_future(future), self._patience)
        except asyncio.TimeoutError:
            raise self._lost_patience(what) from None

    def _next(self) -> Future[None]:
        future: Future[None] = Future()
        with self._lock:
            if self._left:
                self._left -= 1
                future.set_result(None)
            else:
                self._waiting.append(future)
        return future

    def _lost_patience(self, what: str) -> ReplayNotReleased:
        return ReplayNotReleased(
            f"{what} was not released within {self._patience:g} s: call release() when what came before has been read"
        )
