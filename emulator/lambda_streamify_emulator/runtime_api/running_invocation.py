"""One of the invocations that a runtime runs at the same time, as the calls about it see it."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.limits import Limits
from .calls import Response, Session
from .connection import Call, RuntimeConnection
from .error_reports import managed_error
from .server import INVALID_ID, INVOCATION_ID, TIMED_OUT
from .wire import Answer, Head, error_answer

# The answer to a response in progress when the runtime reports an error for the same invocation.
SUPERSEDED = error_answer(500, "InternalServerError", "Internal Server Error")


class Workers(Protocol):
    """What a running invocation needs from the Runtime API."""

    limits: Limits

    def wait(self, connection: RuntimeConnection) -> None:
        """Answer the connection, which has called /next, when there is an event."""

    def failed(self, error: FunctionError) -> None:
        """Handle the report that the runtime cannot start."""

    def warn(self, text: str) -> None:
        """Log a warning for the author of the runtime."""

    def over(self, running: "RunningInvocation", error: FunctionError | None) -> None:
        """End an invocation: its response or its error is complete."""

    def cut_off(self, running: "RunningInvocation") -> asyncio.TimerHandle:
        """End an invocation after a while: its response has ended before it was complete."""


class RunningInvocation:
    """An invocation that a worker has got: the session of the calls with its request id."""

    def __init__(self, workers: Workers, invocation: Invocation) -> None:
        self.invocation = invocation
        self.limits = workers.limits
        self.wait, self.failed, self.warn = workers.wait, workers.failed, workers.warn
        self._workers = workers
        self._posting: RuntimeConnection | None = None  # the connection that has posted the response
        self._timer: asyncio.TimerHandle | None = None

    def open(
        self, make: Callable[[Session, RuntimeConnection, Head], Call], connection: RuntimeConnection, head: Head
    ) -> Call:
        """Return the call with this head, which `reject` has let pass."""
        call = make(self, connection, head)
        if isinstance(call, Response):
            self._posting = connection
        return call

    def reject(self, head: Head) -> Answer | None:
        """Return the refusal of a post, else None: for another attempt, or for a second response."""
        attempt = self.invocation.attempt  # its header is optional
        if head.headers.get(INVOCATION_ID, attempt) != attempt:
            return TIMED_OUT
        is_response = head.target.partition("?")[0].endswith("/response")
        return INVALID_ID if is_response and self._posting is not None else None

    def stop(self, answer: Answer) -> None:
        """Give this answer to a response that is in progress."""
        self.cancel_timer()
        if self._posting is not None:
            self._posting.end_call(answer)

    def cancel_timer(self) -> None:
        """Do not report a response that was cut off."""
        if self._timer is not None:
            self._timer.cancel()

    # --- called by calls ---------------------------------------------------------------------------------------------

    def answered(self, error: FunctionError | None) -> None:
        """End the invocation: its response or its error is complete."""
        if self._posting is not None:
            self._posting.end_call(SUPERSEDED)  # an error may come while the response is in progress
        self._workers.over(self, None if error is None else managed_error(error))

    def refused(self, error: FunctionError) -> None:
        """End the invocation, whose response is not accepted."""
        self._workers.over(self, error)

    def truncated(self) -> None:
        """Handle a response that has ended too early."""
        if not self.invocation.channel.ended:
            self._timer = self._workers.cut_off(self)
