"""Ends the wait of an async body for its next chunk, by cancelling the task that waits.

asyncio.timeout does the same for a time, but exists from Python 3.11 on, and has the event loop's clock.
asyncio.wait_for runs the source in a task of its own before Python 3.12, where the context variables that it sets are
lost.
"""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import AsyncIterator
    from typing import Any

INTERRUPTED = object()


class Interruption:
    """Passes on the chunks of a source until `interrupt` is called. Both run in the event loop."""

    def __init__(self) -> None:
        from asyncio import CancelledError, current_task  # here, since `next` runs for each chunk

        self._current_task = current_task
        self._ends = (CancelledError, StopAsyncIteration)
        self._waiting: Task[Any] | None = None
        self._has_cancelled = False

    def interrupt(self) -> None:
        """End the wait for a chunk, if there is one."""
        if self._waiting is not None:
            self._has_cancelled = True
            self._waiting.cancel()

    async def next(self, chunks: "AsyncIterator[Any]") -> object:
        """The next chunk, or INTERRUPTED. Raises StopAsyncIteration at the end."""
        task = self._current_task()
        assert task is not None  # noqa: S101 - an asynchronous generator is iterated in one
        cancellations = _cancellations(task)
        self._waiting = task
        try:
            return await anext(chunks)
        except self._ends:
            # The source may also take the cancellation for its end. One from elsewhere goes on either way.
            if not self._has_cancelled or _cancellations(task) > cancellations + 1:
                raise
            return INTERRUPTED
        finally:
            self._waiting = None
            if self._has_cancelled and sys.version_info >= (3, 11):
                task.uncancel()


def _cancellations(task: "Task[Any]") -> int:
    if sys.version_info >= (3, 11):
        return task.cancelling()
    return 0
