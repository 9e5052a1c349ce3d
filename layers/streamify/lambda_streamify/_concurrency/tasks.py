"""Several invocations at a time in one event loop: one task and one connection each.

It is for functions that mostly wait, such as for a model's tokens. Their process is loaded once, however many run.
"""

import os
from asyncio import FIRST_COMPLETED, wait
from signal import SIG_DFL, SIGINT, SIGTERM, default_int_handler, getsignal

from .._core.error_report import error_report
from .._runtime.context import FunctionVariables
from .._runtime.runtime import Runtime
from ..errors import HandlerError
from .async_api import AsyncRuntimeApi
from .async_handler import check_handler
from .loop_watch import LoopWatch
from .worker import Worker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Future, Task
    from collections.abc import Coroutine
    from typing import Any, TypeVar

    from .._runtime.loader import Handler
    from .._runtime.logs import Logs
    from .._runtime.runtime_api import RuntimeApi
    from ..errors import RuntimeApiError

    Result = TypeVar("Result")

# Lambda gives a process half a second in all to end, and the function's shutdown needs some of it.
STREAMS_TIMEOUT_S = 0.25
CUT_OFF_TIMEOUT_S = 0.1


class TasksRuntime(Runtime):
    """Runs up to `concurrency` invocations of one process at a time. The other arguments are those of Runtime.

    Raises HandlerError for a sync handler, and under SnapStart.
    """

    def __init__(
        self, api: "RuntimeApi", handler: "Handler", logs: "Logs", *, concurrency: int, **arguments: "Any"
    ) -> None:
        check_handler(handler)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            raise HandlerError(
                "STREAMIFY_CONCURRENCY is tasks, but the function uses SnapStart: switch SnapStart off, or remove the"
                " variable"
            )
        super().__init__(api, handler, logs, **arguments)
        os.environ.pop("_X_AMZN_TRACE_ID", None)  # one variable cannot say it for several invocations
        self._concurrency = concurrency

    def run(self) -> None:
        """Run invocations until no worker gets any more. Raises why, or SystemExit after SIGTERM."""
        try:
            failure = self._run_until_complete(self._serve())
        finally:
            self._stop()
        raise failure or SystemExit(0)

    def _end_on_sigterm(self) -> None:
        """Do nothing: `run` handles the signal."""

    def _run_until_complete(self, coroutine: "Coroutine[Any, Any, Result]") -> "Result":
        """Run the event loop until the coroutine ends, also if a task of the function raises SystemExit."""
        loop = self.event_loop()
        main = loop.create_task(coroutine)
        while not main.done():
            try:
                loop.run_until_complete(main)
            except BaseException as error:  # noqa: PERF203 - the loop goes on after it
                if main.done() or loop.is_closed():
                    raise
                self._logs.error(error_report(error))
        return main.result()

    async def _serve(self) -> "RuntimeApiError | None":
        loop = self.event_loop()
        watch = LoopWatch(loop, self._logs)
        watch.start()
        self._log_native_streaming()
        workers = self._make_workers(watch)
        running = {loop.create_task(worker.run()) for worker in workers}
        stopped: Future[None] = loop.create_future()
        _stop_on_signals(loop, stopped)
        try:
            return await _wait_for(workers, running, stopped)
        finally:
            watch.stop()

    def _make_workers(self, watch: LoopWatch) -> "list[Worker]":
        function = FunctionVariables(os.environ)
        return [
            Worker(
                AsyncRuntimeApi(self._api.address, self._api.user_agent),
                self._handler,
                self._logs,
                mode=self._mode,
                clock=self._clock,
                function=function,
                watch=watch,
            )
            for _ in range(self._concurrency)
        ]


async def _wait_for(
    workers: "list[Worker]", running: "set[Task[RuntimeApiError | None]]", stopped: "Future[None]"
) -> "RuntimeApiError | None":
    """Wait until all workers have ended, and return why, or until `stopped` is done, and end them."""
    pending: set[Future[Any]] = {*running}
    while pending and not stopped.done():
        _, pending = await wait((*pending, stopped), return_when=FIRST_COMPLETED)
        pending.discard(stopped)
    if stopped.done():
        await _end(workers, running)
        return None
    return next(iter(running)).result()


async def _end(workers: "list[Worker]", running: "set[Task[RuntimeApiError | None]]") -> None:
    """Let the streams under way end, for a while, then cancel them, and at last close their connections."""
    for worker in workers:
        worker.stop()
    await wait(running, timeout=STREAMS_TIMEOUT_S)
    for end in (Worker.cut_off, Worker.abort):
        for worker in workers:
            end(worker)
        await wait(running, timeout=CUT_OFF_TIMEOUT_S)


def _stop_on_signals(loop: "AbstractEventLoop", stopped: "Future[None]") -> None:
    """Make SIGTERM, and SIGINT of a terminal, set `stopped`, unless the function handles the signal itself."""

    def stop() -> None:
        if not stopped.done():
            stopped.set_result(None)

    for number, default in ((SIGTERM, SIG_DFL), (SIGINT, default_int_handler)):
        if getsignal(number) is default:
            loop.add_signal_handler(number, stop)
