"""The invocations of one function that wait for a sandbox, in the order in which they came."""

import asyncio
from collections import deque
from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .sandbox import Sandbox


class WaitingLine:
    """The line. Its length is the number of waiting invocations."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[Sandbox | None]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, seconds: float, give_back: "Callable[[Sandbox], None]") -> "Sandbox | None":
        """Return the next sandbox that becomes idle; None after `seconds`, or when another attempt is worthwhile.

        `give_back` is called with the sandbox of an invocation that is cancelled.
        """
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[Sandbox | None] = loop.create_future()
        self._waiting.append(waiting)
        timer = None if seconds == inf else loop.call_later(seconds, _give_up, waiting)
        try:
            return await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled() and (sandbox := waiting.result()) is not None:
                give_back(sandbox)
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
            if timer is not None:
                timer.cancel()

    def wake(self, sandbox: "Sandbox | None") -> bool:
        """Give the sandbox, or None, to the invocation that has waited longest; return whether there is one."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(sandbox)
                return True
        return False

    def wake_all(self) -> None:
        """Let all invocations make another attempt."""
        while self._waiting:
            self.wake(None)


def _give_up(waiting: "asyncio.Future[Sandbox | None]") -> None:
    if not waiting.done():
        waiting.set_result(None)
