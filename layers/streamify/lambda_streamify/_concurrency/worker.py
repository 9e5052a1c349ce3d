"""One of the places for an invocation in this process: it asks for an invocation, runs it, and repeats.

Whatever an invocation does, its worker goes on. A worker ends only if it gets no next invocation, and the other workers
go on then, too, as in AWS's Rust runtime (`lambda_runtime` 1.1, `run_concurrent`).
"""

from asyncio import CancelledError, create_task, current_task, get_running_loop, sleep, wait

from .._core import current
from .._core.error_report import error_report
from ..errors import RuntimeApiError
from .async_invocation import AsyncInvocation, no_second_loop
from .retrying_api import DELAYS_S
from .time_limit import TimeLimit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable
    from typing import Any

    from .._runtime.context import FunctionVariables, InvocationRequest
    from .._runtime.loader import Handler
    from .._runtime.logs import Logs
    from .async_api import AsyncRuntimeApi
    from .loop_watch import LoopWatch


class Worker:
    """Runs one invocation after the other, over the connection of `api`. The arguments are those of AsyncInvocation."""

    def __init__(
        self,
        api: "AsyncRuntimeApi",
        handler: "Handler",
        logs: "Logs",
        *,
        mode: str,
        clock: "Callable[[], float]",
        function: "FunctionVariables",
        watch: "LoopWatch",
    ) -> None:
        self._api = api
        self._handler = handler
        self._logs = logs
        self._mode = mode
        self._clock = clock
        self._function = function
        self._watch = watch
        self._waiting: Task[Any] | None = None  # the worker's own task, while it waits for an invocation
        self._calling: Task[BaseException | None] | None = None  # the task of the handler
        self._is_stopped = False
        self._is_cut_off = False

    async def run(self) -> "RuntimeApiError | None":
        """Run invocations. Returns why there is no next one, or None after `stop`."""
        try:
            while not self._is_stopped:
                await self._run_one(await self._next())
        except RuntimeApiError as failure:
            return failure
        except CancelledError:
            if not self._is_stopped:
                raise
        finally:
            self._api.close()
        return None

    def stop(self) -> None:
        """Ask for no more invocations. The one that runs goes on."""
        self._is_stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    def cut_off(self) -> None:
        """Cancel the invocation that runs."""
        if self._calling is not None:
            self._is_cut_off = True
            self._calling.cancel()

    def abort(self) -> None:
        """Break the connection: whatever still waits for the Runtime API fails."""
        self._api.abort()

    async def _next(self) -> "InvocationRequest":
        """Wait for the next invocation. A failure is followed by further attempts."""
        self._waiting = current_task()
        try:
            for delay in DELAYS_S:
                try:
                    return await self._api.next_async(get_running_loop())
                except RuntimeApiError as failure:
                    self._logs.once(f"no next invocation, another attempt follows in {delay} s: {failure}")
                await sleep(delay)
            return await self._api.next_async(get_running_loop())
        finally:
            self._waiting = None

    async def _run_one(self, request: "InvocationRequest") -> None:
        invocation = AsyncInvocation(
            self._api,
            request,
            self._logs,
            mode=self._mode,
            loop=no_second_loop,
            clock=self._clock,
            function=self._function,
        )
        token = current.running.set(invocation)  # here, and in the tasks that this task creates
        try:
            with self._watch:
                await self._run_invocation(request, invocation)
        except Exception as error:  # noqa: BLE001 - a defect in one invocation does not end the others
            self._logs.error(error_report(error, request.request_id))
            self._api.close()
        finally:
            current.running.reset(token)

    async def _run_invocation(self, request: "InvocationRequest", invocation: AsyncInvocation) -> None:
        for hook in current.before_handler:
            hook(invocation)
        self._calling = task = create_task(invocation.call(self._handler))
        deadline = request.deadline_ms / 1000 or None
        with TimeLimit(get_running_loop(), task, deadline, self._clock, self._api.abort) as limit:
            await wait((task,))
            self._calling = None
            error = CancelledError() if task.cancelled() else task.result()
            if isinstance(error, CancelledError) and (reason := self._reason(has_passed=limit.passed)):
                error = reason.with_traceback(error.__traceback__)
            await invocation.end(error)

    def _reason(self, *, has_passed: bool) -> "Exception | None":
        """Return why the runtime has cancelled the invocation, or None if the function has done it."""
        if has_passed:
            return TimeoutError("the invocation has reached its deadline, so its task was cancelled")
        if self._is_cut_off:
            return InterruptedError("Lambda ends this execution environment, so the task was cancelled")
        return None
