"""The deadline of one invocation among others: the process outlives it, so the runtime ends the invocation itself.

One invocation at a time needs nothing like it, because Lambda kills the process of an invocation that is too late.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task, TimerHandle
    from collections.abc import Callable
    from typing import Any

END_TIMEOUT_S = 1.0


class TimeLimit:
    """A context manager that cancels `task` at `deadline`, in seconds since the epoch. None is no deadline.

    `clock` returns that time. `abort` is called END_TIMEOUT_S later if the block still runs: a reader that takes
    nothing more holds the end of the response. `passed` says that the task was cancelled.
    """

    def __init__(
        self,
        loop: "AbstractEventLoop",
        task: "Task[Any]",
        deadline: "float | None",
        clock: "Callable[[], float]",
        abort: "Callable[[], object]",
    ) -> None:
        self._loop = loop
        self._task = task
        self._deadline = deadline
        self._clock = clock
        self._abort = abort
        self._timer: TimerHandle | None = None
        self.passed = False

    def __enter__(self) -> "TimeLimit":
        self._check()
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _check(self) -> None:
        """End the task, or look again later: the event loop's clock may be fast, or stand still in a frozen process."""
        if self._deadline is None:
            return
        left = self._deadline - self._clock()
        if left > 0:
            self._timer = self._loop.call_later(left, self._check)
        else:
            self.passed = True
            self._task.cancel()
            self._timer = self._loop.call_later(END_TIMEOUT_S, self._abort)
