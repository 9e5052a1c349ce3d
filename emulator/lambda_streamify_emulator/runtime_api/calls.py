"""The calls of the Runtime API. The server has checked that the runtime may make a call before one is created.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API"; for what the guide leaves open, AWS's Runtime
Interface Emulator, whose code is close to Lambda's.
"""

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol

from ..invocations.bandwidth import TokenBucket
from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.limits import Limits
from .connection import Call, Refusal, RuntimeConnection
from .error_reports import INVALID_MODE, reported_error, too_large, trailed_error
from .wire import ACCEPTED, Answer, Head, error_answer, plain_answer

RESPONSE_MODE = "lambda-runtime-function-response-mode"
PONG = plain_answer(200, "pong")
TRUNCATED_REQUEST = error_answer(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")


class Session(Protocol):
    """What a call needs from the server."""

    limits: Limits

    @property
    def invocation(self) -> Invocation:
        """The invocation that the runtime is running."""

    def wait(self, connection: RuntimeConnection) -> None:
        """Answer the connection, which has called /next, when there is an event."""

    def answered(self, error: FunctionError | None) -> None:
        """End the invocation: its response or its error is complete."""

    def refused(self, error: FunctionError) -> None:
        """End the invocation, whose response is not accepted."""

    def truncated(self) -> None:
        """Handle a response that has ended before it was complete."""

    def failed(self, error: FunctionError) -> None:
        """Handle the report that the runtime cannot start, or cannot continue after a restored snapshot."""

    def warn(self, text: str) -> None:
        """Log a warning for the author of the runtime."""


class Next(Call):
    """GET /runtime/invocation/next: it is answered when there is an event."""

    def __init__(self, session: Session, connection: RuntimeConnection, _: Head) -> None:
        self._session = session
        self._connection = connection

    def done(self, trailers: Mapping[str, str]) -> None:
        self._session.wait(self._connection)


class Ping(Call):
    """GET /2018-06-01/ping, in any state: answered as observed with AWS's Runtime Interface Emulator."""

    def done(self, trailers: Mapping[str, str]) -> Answer:
        return PONG


class RestoreNext(Call):
    """GET /runtime/restore/next: the runtime is ready for a snapshot, which counts as restored at once."""

    def __init__(self, session: Session, connection: RuntimeConnection, head: Head) -> None:
        pass

    def done(self, trailers: Mapping[str, str]) -> Answer:
        return Answer(200)


class _Report(Call):
    """A call whose body is an error report."""

    def __init__(self, session: Session, _: RuntimeConnection, head: Head) -> None:
        self._session = session
        self._headers = head.headers
        self._report = bytearray()

    def body(self, data: bytes) -> None:
        limit = self._session.limits.error
        self._report += data
        if len(self._report) > limit:
            self.refusal = _entity_too_large(limit)
            self._deliver(too_large(limit))

    def done(self, trailers: Mapping[str, str]) -> Answer:
        self._deliver(reported_error(self._headers, bytes(self._report)))
        return ACCEPTED

    def truncate(self) -> Answer:
        self._deliver(reported_error(self._headers, b""))
        return ACCEPTED

    @abstractmethod
    def _deliver(self, error: FunctionError) -> None:
        """Report the error to the session."""


class InvocationError(_Report):
    """POST /runtime/invocation/ID/error."""

    def _deliver(self, error: FunctionError) -> None:
        self._session.answered(error)


class StartError(_Report):
    """POST /runtime/init/error and /runtime/restore/error."""

    def _deliver(self, error: FunctionError) -> None:
        self._session.failed(error)


class Response(Call):
    """POST /runtime/invocation/ID/response, streamed or in one piece."""

    def __init__(self, session: Session, _: RuntimeConnection, head: Head) -> None:
        invocation = session.invocation
        self.channel = invocation.channel
        self._session = session
        self._declared = {name.strip().lower() for name in head.headers.get("trailer", "").split(",")}
        self._limit = session.limits.streamed if invocation.streamed else session.limits.buffered
        self._size = 0
        self._metrics = invocation.metrics
        self._metrics.begin(time.monotonic())
        if invocation.streamed and session.limits.bandwidth is not None:
            self.bandwidth = TokenBucket(session.limits.bandwidth, asyncio.get_running_loop().time())
        self.channel.start(head.headers.get("content-type", "application/octet-stream"))

    def body(self, data: bytes) -> None:
        assert self.channel is not None
        self._size += len(data)
        self._metrics.add(len(data))
        if self._limit is None or self._size <= self._limit:
            self.channel.write(data)
            return
        self.channel.write(data[: self._limit - self._size])
        self.refusal = _entity_too_large(self._limit)
        self._session.answered(too_large(self._limit))

    def end_chunk(self) -> None:
        assert self.channel is not None
        self.channel.end_chunk()

    def done(self, trailers: Mapping[str, str]) -> Answer:
        self._metrics.end(time.monotonic())
        for name in sorted(set(trailers) - self._declared):
            self._session.warn(f"Lambda drops the trailer {name}: no Trailer header lists it")
        self._session.answered(trailed_error({name: trailers[name] for name in trailers if name in self._declared}))
        return ACCEPTED

    def truncate(self) -> Answer:
        self._session.truncated()
        return TRUNCATED_REQUEST


def response(session: Session, connection: RuntimeConnection, head: Head) -> Call:
    """Return the call that posts a response.

    An unknown response mode ends the invocation with an error.
    """
    mode = head.headers.get(RESPONSE_MODE) or "streaming"
    if mode == "streaming":  # case-sensitive: "Streaming" is refused too
        return Response(session, connection, head)
    session.warn(f"the response mode {mode!r} fails the invocation: Lambda accepts only 'streaming'")
    session.refused(INVALID_MODE)
    return Refusal(error_answer(400, "InvalidFunctionResponseMode", "Invalid function response mode"))


def _entity_too_large(limit: int) -> Answer:
    return error_answer(413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({limit} bytes).")


CALLS: dict[str, Callable[[Session, RuntimeConnection, Head], Call]] = {
    "next": Next,
    "response": response,
    "error": InvocationError,
    "init/error": StartError,
    "restore/next": RestoreNext,
    "restore/error": StartError,
}
