"""The task that an invocation runs in where its handler or its body is asynchronous, and the end of all it leaves."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Coroutine
    from typing import Any, TypeVar

    T = TypeVar("T")


PATIENCE = 0.2  # seconds; Lambda gives a function that it ends half a second in all


class InvocationTask:
    """Runs one coroutine on the kept event loop."""

    def __init__(self, loop: "AbstractEventLoop") -> None:
        self._loop = loop

    def run(self, coroutine: "Coroutine[Any, Any, T]") -> "T":
        """What the coroutine returns, or raises. It is over then, also where a signal handler has raised."""
        task = self._loop.create_task(coroutine)
        try:
            return self._loop.run_until_complete(task)
        except BaseException:
            if not task.done():  # what was raised has stopped the loop, not the task: its `finally` has yet to run
                task.cancel()
                self._loop.run_until_complete(_ended(task))
            raise

    def is_cancellation(self, error: BaseException) -> bool:
        """Whether `error` is asyncio's, of a task that was cancelled: an outcome, not an exit."""
        from asyncio import CancelledError

        return isinstance(error, CancelledError)

    def close_dropped_generators(self) -> None:
        """Let asynchronous generators that nobody holds any more run their `finally`.

        asyncio closes them in tasks of their own, which the loop makes when it runs next: without this, that would be
        in the next invocation, or never.
        """
        from asyncio import all_tasks, sleep, wait

        self._loop.run_until_complete(sleep(0))
        closing = [task for task in all_tasks(self._loop) if type(task.get_coro()).__name__ == "async_generator_athrow"]
        if closing:
            self._loop.run_until_complete(wait(closing))


async def _ended(task: "Any") -> None:
    from asyncio import wait

    await wait([task])


def end_tasks(loop: "AbstractEventLoop") -> None:
    """Cancel the tasks that the function has left, and give them a moment for their `finally`."""
    from asyncio import all_tasks, wait

    left = all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(wait(left, timeout=PATIENCE))
