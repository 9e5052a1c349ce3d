"""The task of an invocation whose handler or body is asynchronous, and the end of the tasks that it leaves."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Callable, Coroutine
    from typing import Any, TypeVar

    T = TypeVar("T")


CANCELLATION_TIMEOUT_S = 0.2  # Lambda gives a process half a second in all to end


class InvocationTask:
    """Runs one coroutine on the event loop that all invocations share.

    A signal handler may raise in asyncio's own code, between two steps of a task. asyncio then only logs the error or
    raises it out of the loop, and may never run the next step of the task. Here such an error ends the coroutine.
    """

    def __init__(self, loop: "AbstractEventLoop") -> None:
        self._loop = loop
        self._interruption: BaseException | None = None
        self._function_error_handler: Callable[[AbstractEventLoop, dict[str, Any]], object] | None = None

    def run(self, coroutine: "Coroutine[Any, Any, T]") -> "T":
        """Run the coroutine to its end, even if a signal handler raises, and return its result."""
        loop = self._loop
        self._function_error_handler = before = loop.get_exception_handler()
        loop.set_exception_handler(self._handle_loop_error)
        try:
            task = loop.create_task(coroutine)
            try:
                result = loop.run_until_complete(task)
            except BaseException:
                self._consume_pending_stop()
                if not task.done():  # the error stopped the loop but not the task, whose `finally` has not run yet
                    self._cancel_and_wait(task)
                if self._interruption is not None:
                    raise self._interruption from None
                raise
        finally:
            if loop.get_exception_handler() == self._handle_loop_error:  # the function has not set another one
                loop.set_exception_handler(before)
        if self._interruption is not None:
            self._consume_pending_stop()
            raise self._interruption
        return result

    def _handle_loop_error(self, loop: "AbstractEventLoop", context: "dict[str, Any]") -> None:
        """Handle an exception of a callback. If it comes from a signal handler, stop the loop."""
        error = context.get("exception")
        if error is not None and _is_raised_by_signal_handler(error):
            self._interruption = error
            loop.stop()
        elif self._function_error_handler is not None:
            self._function_error_handler(loop, context)
        else:
            loop.default_exception_handler(context)

    def _consume_pending_stop(self) -> None:
        """Run the loop once, so that a pending stop does not end its next run too early."""
        self._loop.call_soon(self._loop.stop)
        self._loop.run_forever()

    def _cancel_and_wait(self, task: "Task[Any]") -> None:
        """Cancel the task, and run the loop until the task is done."""
        task.cancel()
        self._loop.run_until_complete(self._revive_lost_tasks())
        self._loop.run_until_complete(_wait_for(task))

    async def _revive_lost_tasks(self) -> None:
        """Continue tasks that lost their next step as new tasks, and cancel those.

        The loop normally delivers a cancellation in its next iteration, to the task or to the future that it awaits. A
        task whose cancellation is still pending after that has lost its next step, and asyncio never runs it again.
        """
        from asyncio import Future, all_tasks, current_task, sleep

        await sleep(0)
        await sleep(0)
        for task in all_tasks() - {current_task()}:
            if getattr(task, "_must_cancel", False):
                successor = self._loop.create_task(task.get_coro())
                successor.cancel()
                successor.add_done_callback(lambda _, task=task: Future.cancel(task))  # type: ignore[misc]

    def runs_in(self, loop: "AbstractEventLoop") -> bool:
        """Return whether `loop` is this task's event loop."""
        return loop is self._loop

    def is_cancellation(self, error: BaseException) -> bool:
        """Return whether `error` is asyncio's CancelledError: it fails the invocation, but does not end the process."""
        from asyncio import CancelledError

        return isinstance(error, CancelledError)

    def close_dropped_generators(self) -> int:
        """Let unreferenced asynchronous generators run their `finally`. Returns the number of other pending tasks.

        asyncio closes such a generator in a task that the loop creates when it next runs. Without this call, that would
        be in the next invocation, or never.
        """
        from asyncio import all_tasks, wait

        self._consume_pending_stop()  # the loop creates the tasks in this run
        tasks = all_tasks(self._loop)
        closing = [task for task in tasks if type(task.get_coro()).__name__ == "async_generator_athrow"]
        if closing:
            self._loop.run_until_complete(wait(closing))
        return len(tasks) - len(closing)


def _is_raised_by_signal_handler(error: BaseException) -> bool:
    """Return whether the traceback of `error` contains a function that is set as a signal handler."""
    from signal import getsignal, valid_signals
    from types import FunctionType, MethodType

    codes = set()
    for number in valid_signals():
        handler: Any = getsignal(number)
        while hasattr(handler, "func"):  # functools.partial
            handler = handler.func
        if isinstance(handler, (FunctionType, MethodType)):
            codes.add(handler.__code__)
        elif callable(handler) and hasattr(type(handler).__call__, "__code__"):
            codes.add(type(handler).__call__.__code__)
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code in codes:
            return True
        traceback = traceback.tb_next
    return False


async def _wait_for(task: "Any") -> None:
    from asyncio import wait

    await wait([task])


def end_tasks(loop: "AbstractEventLoop") -> None:
    """Cancel the tasks that the function has left, and wait CANCELLATION_TIMEOUT_S at most for their `finally`."""
    from asyncio import all_tasks, wait

    pending = all_tasks(loop)
    for task in pending:
        task.cancel()
    if pending:
        loop.run_until_complete(wait(pending, timeout=CANCELLATION_TIMEOUT_S))
