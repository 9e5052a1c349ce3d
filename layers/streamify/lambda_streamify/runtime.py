"""The loop: wait for an invocation, run it, again."""

import os
import time

from . import current
from .context import FunctionVariables
from .error_report import error_report
from .invocation import Invocation
from .invocation_task import end_tasks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from .loader import Handler
    from .logs import Logs
    from .runtime_api import RuntimeApi


def run_invocation(_: "RuntimeApi", handler: "Handler", invocation: Invocation) -> None:
    """Run one invocation."""
    invocation.run(handler)


class Runtime:
    """Runs the invocations of one process, one after the other.

    `handle` runs one invocation; `mode` is STREAMIFY_INVOKE_MODE; `clock` gives the seconds since the epoch.
    """

    def __init__(
        self,
        api: "RuntimeApi",
        handler: "Handler",
        logs: "Logs",
        *,
        mode: str,
        handle: "Callable[[RuntimeApi, Handler, Invocation], None]" = run_invocation,
        clock: "Callable[[], float]" = time.time,
    ) -> None:
        self._api = api
        self._handler = handler
        self._logs = logs
        self._mode = mode
        self._handle = handle
        self._clock = clock
        self._event_loop: AbstractEventLoop | None = None
        self._function: FunctionVariables | None = None

    def start(self) -> None:
        """Run what the function's modules want to have run on the event loop before the first invocation."""
        for function in current.startup:
            self.event_loop().run_until_complete(function())
        if current.shutdown:
            self._end_on_sigterm()

    def run(self) -> None:
        """Run invocations until something ends the process."""
        try:
            while True:
                self.run_one()
        finally:
            self._stop()

    def _stop(self) -> None:
        for function in current.shutdown:
            try:
                self.event_loop().run_until_complete(function())
            except Exception as error:  # noqa: BLE001, PERF203 - the others are to end as well
                self._logs.error(error_report(error))
        if self._event_loop is not None:
            end_tasks(self._event_loop)
            self._event_loop.close()  # Python warns of one that is not

    def _end_on_sigterm(self) -> None:
        """Have SIGTERM, with which Lambda ends a function that has extensions, end the process in good order."""
        from signal import SIG_DFL, SIGTERM, getsignal, signal

        if getsignal(SIGTERM) is SIG_DFL:  # a function that has its own handler decides itself
            signal(SIGTERM, _exit)

    def run_one(self) -> None:
        """Wait for one invocation and run it. Its id and its trace stay set until its last chunk is out."""
        request = self._api.next()
        self._logs.request_id = request.request_id
        self._logs.tenant_id = request.header("aws-tenant-id")
        trace_id = request.header("trace-id")
        if trace_id is None:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        else:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        if self._function is None:
            self._function = FunctionVariables(os.environ)  # now: a restored snapshot may have others
        invocation = Invocation(
            self._api,
            request,
            self._logs,
            mode=self._mode,
            loop=self.event_loop,
            clock=self._clock,
            function=self._function,
        )
        self._handle(self._api, self._handler, invocation)

    def event_loop(self) -> "AbstractEventLoop":
        """The event loop of this process, made when first needed and kept.

        It is never set as the current loop: a handler's own `asyncio.run` neither finds nor closes it.
        """
        if self._event_loop is None:
            import asyncio  # costs 36 ms

            self._event_loop = asyncio.new_event_loop()
        return self._event_loop


def _exit(_signal: int, _frame: object) -> None:
    raise SystemExit(0)
