"""What became of each stream: one record, when it is over.

    from lambda_streamify import observe

    @observe.after_stream
    def count(record):
        print(record.request_id, record.outcome, record.bytes)

Nothing of this runs in a function that does not call it. An answer in one piece is no stream: a plain value, an error
before the first byte, and a response that was collected for a caller who gets no streams have no record.
"""

from time import monotonic

from . import current, lean_json
from .errors import RequestRefused, RuntimeApiError
from .response_stream import ResponseStream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import TypeVar

    Clock = Callable[[], float]
    Hook = TypeVar("Hook", bound=Callable[["StreamRecord"], object])

COMPLETE, ERROR, REFUSED, LOST = "complete", "error", "refused", "lost"

_ERROR_TYPE = b"Lambda-Runtime-Function-Error-Type: "  # as framing.error_trailers writes it


class StreamRecord:
    """One stream that is over. Times are in seconds, by a clock that is never set back.

    request_id          the invocation's
    outcome             "complete": all of it was sent, and Lambda has accepted it
                        "error": the function failed after the first byte, and Lambda was told
                        "refused": Lambda did not accept the response, or stopped to
                        "lost": the connection to Lambda broke off, or had to be closed in the midst of a chunk
    error_type          of an error the type that Lambda was told, such as "Function.ValueError"; "RequestRefused" or
                        "ConnectionLost"; else None
    time_to_first_byte  from the invocation's arrival until status and headers began to leave: with the first chunk, or
                        before it if the response is eager
    duration            from the invocation's arrival until Lambda had answered to the end of the stream
    chunks              pieces of the body that were written, signs of life of `keepalive` among them
    bytes               their sum, without status, headers and what HTTP adds
    largest_gap         the longest time in which the function had nothing to write, from the first byte to the end
    blocked             how long writing had to wait in all because the reader was slower than the function

    Waiting is no part of a gap. In an event loop other tasks run meanwhile. Chunks and bytes are what was handed to the
    connection: unless the outcome is "complete", not all of it need have arrived.
    """

    __slots__ = (
        "request_id",
        "outcome",
        "error_type",
        "time_to_first_byte",
        "duration",
        "chunks",
        "bytes",
        "largest_gap",
        "blocked",
    )

    def __init__(
        self,
        *,
        request_id: str,
        outcome: str,
        error_type: "str | None",
        time_to_first_byte: float,
        duration: float,
        chunks: int,
        bytes: int,  # noqa: A002 - it is called so in the record
        largest_gap: float,
        blocked: float,
    ) -> None:
        self.request_id = request_id
        self.outcome = outcome
        self.error_type = error_type
        self.time_to_first_byte = time_to_first_byte
        self.duration = duration
        self.chunks = chunks
        self.bytes = bytes
        self.largest_gap = largest_gap
        self.blocked = blocked

    def as_dict(self) -> "dict[str, str | int | float | None]":
        """All fields by their names, times to the microsecond."""
        values = ((name, getattr(self, name)) for name in self.__slots__)
        return {name: round(value, 6) if isinstance(value, float) else value for name, value in values}

    def __repr__(self) -> str:
        return f"StreamRecord({', '.join(f'{name}={value!r}' for name, value in self.as_dict().items())})"


class Watch:
    """Watches the streams of this process, which are one after the other. `clock` counts seconds."""

    def __init__(self, clock: "Clock" = monotonic) -> None:
        self._clock = clock
        self._request_id: str | None = None
        self._arrived = 0.0
        self._stream: WatchedStream | None = None

    def after_stream(self, hook: "Hook") -> "Hook":
        """`after_stream` of the module, by this clock."""
        if current.stream_factory != self.open:
            current.stream_factory = self.open
            current.before_handler.append(self.begin)

        def tell() -> None:
            record = self.record()
            if record is not None:
                hook(record)

        current.after_response.append(tell)
        return hook

    def begin(self, request_id: str) -> None:
        """An invocation has arrived."""
        self._arrived = self._clock()
        self._request_id = request_id
        self._stream = None

    def open(self, connection: "socket", head: bytes, read_answer: "Callable[[], None]") -> ResponseStream:
        """Make the stream that the running invocation writes to."""
        if self._request_id is None:  # nobody watched yet when it arrived
            return ResponseStream(connection, head, read_answer)
        self._stream = WatchedStream(connection, head, read_answer, self._clock)
        return self._stream

    def record(self) -> "StreamRecord | None":
        """What became of the stream of the invocation that is over; None if it had none."""
        stream = self._stream
        if self._request_id is None or stream is None or stream.began is None:
            return None
        outcome, error_type = stream.outcome()
        if stream.ended is None:
            stream.ended = self._clock()
        return StreamRecord(
            request_id=self._request_id,
            outcome=outcome,
            error_type=error_type,
            time_to_first_byte=stream.began - self._arrived,
            duration=stream.ended - self._arrived,
            chunks=stream.chunks,
            bytes=stream.bytes,
            largest_gap=stream.largest_gap,
            blocked=stream.blocked,
        )


class WatchedStream(ResponseStream):
    """A ResponseStream that takes notes. It makes the same system calls, and tries once more where a socket is full."""

    def __init__(
        self, connection: "socket", head: bytes, read_answer: "Callable[[], None]", clock: "Clock" = monotonic
    ) -> None:
        super().__init__(connection, head, read_answer)
        self._clock = clock
        self._idle_since = 0.0
        self._refusal: RuntimeApiError | None = None
        self._error_type: str | None = None
        self.began: float | None = None
        self.ended: float | None = None
        self.chunks = 0
        self.bytes = 0
        self.largest_gap = 0.0
        self.blocked = 0.0

    def open(self, start: bytes = b"", first: bytes = b"") -> None:
        """Send what the reader gets first."""
        self._begin(first)
        super().open(start, first)
        self._idle_since = self._clock()

    async def open_async(self, loop: "AbstractEventLoop", start: bytes = b"", first: bytes = b"") -> None:
        """`open` for coroutines."""
        self._begin(first)
        await super().open_async(loop, start, first)
        self._idle_since = self._clock()

    def write_nowait(self, data: bytes) -> bool:
        """Send of one chunk what fits."""
        self._end_gap()
        self._count(data)
        complete = super().write_nowait(data)
        self._idle_since = self._clock()
        return complete

    def flush(self) -> None:
        """Send what is left over; the time counts if not all of it fits at once."""
        if self._unsent:
            self._send_unsent()
        if self._unsent:
            began = self._clock()
            try:
                super().flush()
            finally:
                self._waited(began)

    async def drain(self, loop: "AbstractEventLoop") -> None:
        """`flush` for coroutines."""
        if self._unsent:
            self._send_unsent()
        if self._unsent:
            began = self._clock()
            try:
                await super().drain(loop)
            finally:
                self._waited(began)

    def end(self, trailers: "bytes | None" = None) -> None:
        """Send the last chunk and read the answer."""
        self._end_gap()
        if trailers is not None:
            self._error_type = trailers.partition(_ERROR_TYPE)[2].partition(b"\r\n")[0].decode("ascii")
        try:
            super().end(trailers)
        except RuntimeApiError as refusal:
            self._refusal = refusal
            raise
        finally:
            self.ended = self._clock()

    def outcome(self) -> "tuple[str, str | None]":
        """The record's outcome and error_type."""
        failure = self._refusal or self.failure
        if failure is not None:
            return (REFUSED, "RequestRefused") if isinstance(failure, RequestRefused) else (LOST, "ConnectionLost")
        if self.state == "done":
            return COMPLETE, None
        if self.state == "failed" and self._error_type is not None:
            return ERROR, self._error_type
        return LOST, None

    def _begin(self, first: bytes) -> None:
        self.began = self._idle_since = self._clock()
        if first:
            self._count(first)

    def _count(self, data: bytes) -> None:
        self.chunks += 1
        self.bytes += len(data)

    def _end_gap(self) -> None:
        self.largest_gap = max(self.largest_gap, self._clock() - self._idle_since)

    def _waited(self, began: float) -> None:
        self._idle_since = self._clock()
        self.blocked += self._idle_since - began


_watch = Watch()


def after_stream(hook: "Hook") -> "Hook":
    """Have `hook` called with the StreamRecord of each stream; a decorator too.

    The hook is a plain function. It runs after the last chunk and before the next invocation is asked for: the function
    is billed for its time. What it raises is logged and harms nothing. Register it while the handler's module is
    imported; registered by the handler, it begins with the next invocation.
    """
    return _watch.after_stream(hook)


def log_streams(write: "Callable[[str], object]" = print) -> None:
    """Write one line of JSON for each stream: `"type": "stream"` and the fields of StreamRecord, by their names.

    Under AWS_LAMBDA_LOG_FORMAT=JSON too it is a record of its own, whose fields can be queried.
    """

    @after_stream
    def log(record: StreamRecord) -> None:
        write(lean_json.write({"type": "stream", **record.as_dict()}))
