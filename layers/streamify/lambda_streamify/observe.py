"""One record of each stream, made when the stream has ended.

    from lambda_streamify import observe

    @observe.after_stream
    def count(record):
        print(record.request_id, record.outcome, record.bytes)

A function that does not use this module pays nothing for it. A buffered answer has no record: a plain value, an error
before the first byte, and a response that was collected for a caller that gets no streams.
"""

from time import monotonic

from ._core import current, fast_json
from ._core.iteration import as_bytes
from ._observe.stream_record import StreamRecord
from ._wire.response_stream import ResponseStream
from .errors import RequestRefused, RuntimeApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import TypeVar

    from ._core.current import Running
    from ._observe.generation import Generation
    from ._wire.response_stream import Chunk

    Clock = Callable[[], float]
    Hook = TypeVar("Hook", bound=Callable[["StreamRecord"], object])

__all__ = [
    "COMPLETE",
    "ERROR",
    "LOST",
    "REFUSED",
    "Generation",
    "StreamRecord",
    "after_stream",
    "generation",
    "log_streams",
]

COMPLETE, ERROR, REFUSED, LOST = "complete", "error", "refused", "lost"

_ERROR_TYPE = b"Lambda-Runtime-Function-Error-Type: "  # as framing.error_trailers writes it


class _Arrival:
    """The time at which an invocation arrived, by the watch's clock, the stream that answers it, and its generation."""

    __slots__ = ("generation", "stream", "time")

    def __init__(self, time: float) -> None:
        self.time = time
        self.stream: WatchedStream | None = None
        self.generation: Generation | None = None


class Watch:
    """Watches the streams of this process. `clock` returns seconds.

    It keeps its data about an invocation in the invocation's `observed`.
    """

    def __init__(self, clock: "Clock" = monotonic) -> None:
        self._clock = clock

    def after_stream(self, hook: "Hook") -> "Hook":
        """Do the same as the module's `after_stream`, with this watch's clock."""
        if current.stream_factory != self.open:
            current.stream_factory = self.open
            current.before_handler.append(self.begin)

        def report(invocation: "Running") -> None:
            record = self.record(invocation)
            if record is not None:
                hook(record)

        current.after_response.append(report)
        return hook

    def generation(self) -> "Generation":
        """Do the same as the module's `generation`, with this watch's clock."""
        from ._observe.generation import Generation

        invocation = current.invocation()
        arrival: _Arrival | None = None if invocation is None else invocation.observed.get(self)
        if arrival is None:  # no hook asks for it
            return Generation(self._clock)
        if arrival.generation is None:
            arrival.generation = Generation(self._clock)
        return arrival.generation

    def begin(self, invocation: "Running") -> None:
        """Record the time at which the invocation arrived."""
        invocation.observed[self] = _Arrival(self._clock())

    def open(
        self, invocation: "Running", connection: "socket", head: bytes, read_answer: "Callable[..., bool]"
    ) -> ResponseStream:
        """Create the stream that the invocation writes to."""
        arrival = invocation.observed.get(self)
        if arrival is None:  # the invocation arrived before the first hook was registered
            return ResponseStream(connection, head, read_answer)
        arrival.stream = WatchedStream(connection, head, read_answer, self._clock)
        return arrival.stream  # type: ignore[no-any-return]

    def record(self, invocation: "Running") -> "StreamRecord | None":
        """Return the record of an invocation that has ended, None if it had no stream."""
        arrival: _Arrival | None = invocation.observed.get(self)
        stream = None if arrival is None else arrival.stream
        if arrival is None or stream is None or stream.began is None:
            return None
        outcome, error_type = stream.outcome()
        if stream.ended is None:
            stream.ended = self._clock()
        return StreamRecord(
            request_id=invocation.request_id,
            outcome=outcome,
            error_type=error_type,
            time_to_first_byte=stream.began - arrival.time,
            duration=stream.ended - arrival.time,
            chunks=stream.chunks,
            bytes=stream.bytes,
            largest_gap=stream.largest_gap,
            blocked=stream.blocked,
            generation=arrival.generation,
        )


class WatchedStream(ResponseStream):
    """A ResponseStream that measures itself. It makes the same system calls, and one more send if a socket is full."""

    def __init__(
        self, connection: "socket", head: bytes, read_answer: "Callable[..., bool]", clock: "Clock" = monotonic
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
        """Send the head, the prelude and the first chunk."""
        self._begin(first)
        super().open(start, first)
        self._idle_since = self._clock()

    async def open_async(self, loop: "AbstractEventLoop", start: bytes = b"", first: bytes = b"") -> None:
        """Do the same as `open`, for coroutines."""
        self._begin(first)
        await super().open_async(loop, start, first)
        self._idle_since = self._clock()

    def write_nowait(self, chunk: "Chunk") -> bool:
        """Send the part of a chunk that fits into the socket now."""
        data = as_bytes(chunk)
        if not data:
            return True
        self._end_gap()
        self._count(data)
        complete = super().write_nowait(data)
        self._idle_since = self._clock()
        return complete

    def flush(self) -> None:
        """Send the rest. The time counts as blocked if the rest does not fit into the socket at once."""
        if self.record[0] and not self.send_now():
            began = self._clock()
            try:
                super().flush()
            finally:
                self._add_blocked_time(began)

    async def drain(self, loop: "AbstractEventLoop") -> None:
        """Do the same as `flush`, for coroutines."""
        if self.record[0] and not self.send_now():
            began = self._clock()
            try:
                await super().drain(loop)
            finally:
                self._add_blocked_time(began)

    def end(self, trailers: "bytes | None" = None) -> None:
        """Send the last chunk and read the answer."""
        self._end_with(trailers)
        try:
            super().end(trailers)
        except RuntimeApiError as refusal:
            self._refusal = refusal
            raise
        finally:
            self.ended = self._clock()

    async def end_async(self, loop: "AbstractEventLoop", trailers: "bytes | None" = None) -> None:
        """Do the same as `end`, for coroutines."""
        self._end_with(trailers)
        try:
            await super().end_async(loop, trailers)
        except RuntimeApiError as refusal:
            self._refusal = refusal
            raise
        finally:
            self.ended = self._clock()

    def outcome(self) -> "tuple[str, str | None]":
        """Return the record's `outcome` and `error_type`."""
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

    def _end_with(self, trailers: "bytes | None") -> None:
        if trailers is not None:
            self._error_type = trailers.partition(_ERROR_TYPE)[2].partition(b"\r\n")[0].decode("ascii")
        self._end_gap()

    def _end_gap(self) -> None:
        self.largest_gap = max(self.largest_gap, self._clock() - self._idle_since)

    def _add_blocked_time(self, began: float) -> None:
        self._idle_since = self._clock()
        self.blocked += self._idle_since - began


_watch = Watch()


def after_stream(hook: "Hook") -> "Hook":
    """Register `hook` to be called with the StreamRecord of each stream, and return it. Also a decorator.

    The hook is a plain function. It runs after the last chunk and before the runtime asks for the next invocation, so
    its time is billed. Its exceptions are logged and ignored. Register it when the handler's module is imported; a hook
    that the handler registers begins with the next invocation.
    """
    return _watch.after_stream(hook)


def generation() -> "Generation":
    """Return the Generation of the running invocation, which measures what a model and its tools do for its stream.

        def answer(prompt):
            generation = observe.generation()
            for text in ask_the_model(prompt):
                generation.tokens()
                yield text

    The first call begins it; later calls in the same invocation return the same object. The stream's record then has
    its figures. Outside an invocation, and if no hook is registered, nobody reads them.
    """
    return _watch.generation()


def log_streams(write: "Callable[[str], object]" = print) -> None:
    """Write one line of JSON for each stream: `"type": "stream"` and the fields of StreamRecord.

    `write` is called with each line. With AWS_LAMBDA_LOG_FORMAT=JSON too, its fields can be queried in the log.
    """

    @after_stream
    def log(record: StreamRecord) -> None:
        write(fast_json.write({"type": "stream", **record.as_dict()}))


def __getattr__(name: str) -> object:
    if name == "Generation":
        from ._observe.generation import Generation  # imported late: few functions need it

        return Generation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
