"""The invocation loop: waits for an invocation, runs it, and repeats."""

import os
import sys
import time

from .._core import current
from .._core.error_report import error_report
from .context import FunctionVariables
from .invocation import Invocation

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

    `handle` runs one invocation. `mode` is STREAMIFY_INVOKE_MODE. `clock` returns the seconds since the epoch.
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
        """Run the startup functions that the function's modules have registered."""
        for function in current.startup:
            self.event_loop().run_until_complete(function())
        if current.shutdown:
            self._end_on_sigterm()

    def run(self) -> None:
        """Run invocations until something ends the process."""
        try:
            self.run_one()
            self._log_native_streaming()
            while True:
                self.run_one()
        finally:
            self._stop()

    def _log_native_streaming(self) -> None:
        """Say so if AWS's own runtime client streams: the function may not need this runtime any more."""
        from .native_streaming import streaming_client  # imported late: the first caller has its response by now

        if client := streaming_client(sys.path):
            version, folder = client
            self._logs.line(
                "WARNING",
                f"awslambdaric {version} in {folder} can stream: this function may not need lambda_streamify any more",
            )

    def _stop(self) -> None:
        for function in current.shutdown:
            try:
                self.event_loop().run_until_complete(function())
            except Exception as error:  # noqa: BLE001, PERF203 - the other functions must run too
                self._logs.error(error_report(error))
        if self._event_loop is not None:
            from .invocation_task import end_tasks

            end_tasks(self._event_loop)
            self._event_loop.close()  # otherwise Python warns about an unclosed loop

    def _end_on_sigterm(self) -> None:
        """Exit on SIGTERM in a way that runs the shutdown functions. Lambda sends it to functions with extensions."""
        from signal import SIG_DFL, SIGTERM, getsignal, signal

        if getsignal(SIGTERM) is SIG_DFL:  # keep a handler that the function has set
            signal(SIGTERM, _exit)

    def run_one(self) -> None:
        """Wait for one invocation and run it. Its request id and trace id stay set until the last chunk is sent."""
        request = self._api.next()
        trace_id = request.header("trace-id")
        if trace_id is None:
            os.environ.pop("_X_AMZN_TRACE_ID", None)
        else:
            os.environ["_X_AMZN_TRACE_ID"] = trace_id
        if self._function is None:
            self._function = FunctionVariables(os.environ)  # not before a snapshot, whose copies may have other values
        invocation = Invocation(
            self._api,
            request,
            self._logs,
            mode=self._mode,
            loop=self.event_loop,
            clock=self._clock,
            function=self._function,
        )
        current.latest = invocation
        self._handle(self._api, self._handler, invocation)

    def event_loop(self) -> "AbstractEventLoop":
        """Return the event loop of this process, which is created at the first call.

        It is never set as the current loop, so a handler's own `asyncio.run` neither finds nor closes it. Raises
        HandlerError if STREAMIFY_EVENT_LOOP cannot be followed.
        """
        if self._event_loop is None:
            from .event_loop import new_event_loop  # imported late, with asyncio

            self._event_loop = new_event_loop(os.environ)
        return self._event_loop


def _exit(_signal: int, _frame: object) -> None:
    from signal import SIG_IGN, SIGTERM, signal

    signal(SIGTERM, SIG_IGN)  # a second one, such as one that a parent process passes on, would break off the shutdown
    raise SystemExit(0)
