"""What each call of the Runtime API does, once it is known that the runtime may make it.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API"; what it leaves open is as in AWS's Runtime Interface
Emulator, whose code is close to Lambda's.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Protocol

from ..invocations.channel import FunctionError
from ..invocations.invocation import Invocation
from ..invocations.limits import Limits
from .bandwidth import TokenBucket
from .connection import Call, Refusal, RuntimeConnection
from .error_reports import INVALID_MODE, reported_error, too_large, trailed_error
from .wire import ACCEPTED, Answer, Head, error_answer

RESPONSE_MODE = "lambda-runtime-function-response-mode"
TRUNCATED_REQUEST = error_answer(400, "TruncatedHTTPRequest", "HTTP request detected as truncated")


class Session(Protocol):
    """What a call needs from the Runtime API that it was made to."""

    limits: Limits

    @property
    def invocation(self) -> Invocation:
        """The invocation that the runtime is at work on."""

    def wait(self, connection: RuntimeConnection) -> None:
        """The runtime waits in /next."""

    def answered(self, error: FunctionError | None) -> None:
        """The invocation has its whole response, or its error."""

    def truncated(self) -> None:
        """The response has ended before it was complete."""

    def failed(self, error: FunctionError) -> None:
        """The runtime cannot start, or not go on after a snapshot was restored."""

    def warn(self, text: str) -> None:
        """Tell the runtime's author something."""


class Next(Call):
    """GET /runtime/invocation/next: its answer comes with the event."""

    def __init__(self, session: Session, connection: RuntimeConnection, _: Head) -> None:
        self._session = session
        self._connection = connection

    def done(self, trailers: Mapping[str, str]) -> None:
        self._session.wait(self._connection)


class RestoreNext(Call):
    """GET /runtime/restore/next: the snapshot could be taken, and is restored at once."""

    def __init__(self, session: Session, connection: RuntimeConnection, head: Head) -> None:
        pass

    def done(self, trailers: Mapping[str, str]) -> Answer:
        return Answer(200)


class _Report(Call):
    """A call whose body is the report of an error."""

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

    def cut(self) -> Answer:
        self._deliver(reported_error(self._headers, b""))
        return ACCEPTED

    @abstractmethod
    def _deliver(self, error: FunctionError) -> None:
        """Pass the error on to whom it concerns."""


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
        if invocation.streamed and session.limits.bandwidth is not None:
            self.bandwidth = TokenBucket(session.limits.bandwidth, asyncio.get_running_loop().time())
        self.channel.start(head.headers.get("content-type", "application/octet-stream"))

    def body(self, data: bytes) -> None:
        assert self.channel is not None
        self._size += len(data)
        if self._limit is None or self._size <= self._limit:
            self.channel.write(data)
            return
        self.channel.write(data[: self._limit - self._size])
        self.refusal = _entity_too_large(self._limit)
        self._session.answered(too_large(self._limit))

    def border(self) -> None:
        assert self.channel is not None
        self.channel.border()

    def done(self, trailers: Mapping[str, str]) -> Answer:
        for name in sorted(set(trailers) - self._declared):
            self._session.warn(f"Lambda drops the trailer {name}: no Trailer header announced it")
        self._session.answered(trailed_error({name: trailers[name] for name in trailers if name in self._declared}))
        return ACCEPTED

    def cut(self) -> Answer:
        self._session.truncated()
        return TRUNCATED_REQUEST


def response(session: Session, connection: RuntimeConnection, head: Head) -> Call:
    """The call that posts a response; an unknown mode ends the invocation with an error, and the runtime is stuck."""
    mode = head.headers.get(RESPONSE_MODE) or "streaming"
    if mode == "streaming":  # compared as it stands: "Streaming" is refused too
        return Response(session, connection, head)
    session.warn(f"Lambda refuses the response mode {mode!r}, and with it the invocation: it knows 'streaming' alone")
    session.invocation.channel.end(INVALID_MODE)
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
