"""The deadline of one invocation among others: the process outlives it, so the runtime ends the invocation itself.

One invocation at a time needs nothing like it, because Lambda kills the process of an invocation that is too late.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable
    from typing import Any

END_TIMEOUT_S = 1.0


class TimeLimit:
    """A context manager that cancels `task` at the deadline.

    `abort` is called END_TIMEOUT_S later if the block still runs: a reader that takes nothing more holds the end of the
    response. `remaining` returns the seconds until the deadline; `passed` says that the task was cancelled.
    """

    def __init__(
        self,
        loop: "AbstractEventLoop",
        task: "Task[Any]",
        remaining: "Callable[[], float]",
        abort: "Callable[[], object]",
    ) -> None:
        self._loop = loop
        self._task = task
        self._remaining = remaining
        self._abort = abort
        self.passed = False

    def __enter__(self) -> "TimeLimit":
        self._set_timer()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _set_timer(self) -> None:
        self._timer = self._loop.call_later(self._remaining(), self._ring)

    def _ring(self) -> None:
        if self._remaining() > 0:  # the event loop's clock is fast, or stood still with the rest of the environment
            self._set_timer()
            return
        self.passed = True
        self._task.cancel()
        self._timer = self._loop.call_later(END_TIMEOUT_S, self._abort)
