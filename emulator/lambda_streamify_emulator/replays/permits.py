"""A semaphore for threads and tasks alike: a stream goes on when its reader releases a permit."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout  # the built-in one from Python 3.11 on
from threading import Lock

from ..errors import ReplayNotReleased


class Permits:
    """Permits to go on; there is one at the start. `acquire` waits up to `timeout_s` seconds for one."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._lock = Lock()
        self._available = 1
        self._waiting: deque[Future[None]] = deque()

    def release(self) -> None:
        """Add a permit."""
        with self._lock:
            while self._waiting:
                future = self._waiting.popleft()
                if future.set_running_or_notify_cancel():
                    future.set_result(None)
                    return
            self._available += 1

    def acquire(self, what: str) -> None:
        """Take a permit for `what`, blocking the thread. Raises ReplayNotReleased after the timeout."""
        future = self._request()
        try:
            future.result(self._timeout_s)
        except FutureTimeout:
            future.cancel()
            raise self._not_released(what) from None

    async def acquire_async(self, what: str) -> None:
        """Take a permit for `what`, blocking only the task. Raises ReplayNotReleased after the timeout."""
        future = self._request()
        if future.done():
            return
        try:
            await asyncio.wait_for(asyncio.wrap_future(future), self._timeout_s)
        except asyncio.TimeoutError:
            raise self._not_released(what) from None

    def _request(self) -> Future[None]:
        future: Future[None] = Future()
        with self._lock:
            if self._available:
                self._available -= 1
                future.set_result(None)
            else:
                self._waiting.append(future)
        return future

    def _not_released(self, what: str) -> ReplayNotReleased:
        return ReplayNotReleased(
            f"{what} was not released within {self._timeout_s:g} s: call release() once the previous chunk is read"
        )
