"""Small chunks joined into larger ones: `coalesce`."""

from threading import Condition
from time import monotonic

from .._core.iteration import as_bytes
from .._response.response import StreamingResponse, is_async, is_stream
from ..errors import ResponseError
from .bodies import AsyncTypedBody, TypedBody
from .timer_thread import TimerThread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
    from typing import Any, overload

    from .._response.response import Chunk, Readable
    from .._response.writer import ResponseWriter

_END: "Any" = object()


if TYPE_CHECKING:

    @overload
    def coalesce(body: AsyncIterator[Chunk], max_bytes: int = ..., max_delay: float = ...) -> "AsyncCoalesced": ...

    @overload
    def coalesce(body: Iterator[Chunk] | Readable, max_bytes: int = ..., max_delay: float = ...) -> "Coalesced": ...


def coalesce(body: "Any", max_bytes: int = 16 * 1024, max_delay: float = 0.05) -> "Coalesced | AsyncCoalesced":
    """Join the small chunks of `body`: fewer, larger chunks of the same bytes.

        return StreamingResponse(coalesce(rows(), max_delay=0.1), content_type="text/csv")

    body       a generator, an async generator, another iterator of chunks, or a file-like object
    max_bytes  a joined chunk is sent before the next chunk would make it larger than this. A chunk of this size or
               more is sent unchanged, without a copy.
    max_delay  a joined chunk is sent at most so many seconds after its first part came

    An async body's chunks are also sent before the body waits for something, so its waits delay nothing. An empty
    chunk sends what is buffered. Chunks that came before an error are sent before the error is raised.

    Raises ResponseError for a wrong argument.
    """
    if not is_stream(body):
        raise ResponseError(
            f"coalesce was given a {type(body).__name__}; give it the body of the response, a generator for example"
        )
    if hasattr(body, "write_to") or hasattr(body, "awrite_to"):
        raise ResponseError(
            f"coalesce was given a {type(body).__name__}, which decides itself when to write; use coalesce inside it:"
            " keepalive(coalesce(body))"
        )
    if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 1:
        raise ResponseError(f"coalesce: max_bytes is {max_bytes!r}; it must be a whole number, 1 or more")
    if isinstance(max_delay, bool) or not isinstance(max_delay, (int, float)) or not max_delay > 0:
        raise ResponseError(f"coalesce: max_delay is {max_delay!r}; it must be a number of seconds, more than 0")
    body = StreamingResponse(body).body  # a file becomes blocks
    return (AsyncCoalesced if is_async(body) else Coalesced)(body, max_bytes, max_delay)


class _Buffer:
    """Buffers chunks until they are large or old enough to be sent."""

    def __init__(self, max_bytes: int, max_delay: float, clock: "Callable[[], float]") -> None:
        self._max_bytes = max_bytes
        self._max_delay = max_delay
        self._clock = clock
        self._parts: list[bytes] = []
        self._due = 0.0
        self._is_text = True  # whether the first piece is text throughout: it then decides the content type
        self.size = 0

    def add(self, chunk: "Chunk", data: bytes) -> "Iterator[Chunk]":
        """Add a chunk, whose bytes are `data`; yields what must be sent now."""
        if len(data) >= self._max_bytes:
            if self.size:
                yield self.take()
            self._is_text = False
            yield chunk
            return
        if self.size + len(data) > self._max_bytes:
            yield self.take()
        self._is_text = self._is_text and isinstance(chunk, str)
        if not self.size:
            self._due = self._clock() + self._max_delay
        self._parts.append(bytes(data))  # a body may fill the same buffer again
        self.size += len(data)
        if not data or self.size == self._max_bytes or self._clock() >= self._due:
            yield self.take()

    def take(self) -> "Chunk":
        """Remove what is buffered, and return it as one chunk."""
        piece = b"".join(self._parts)
        self._parts.clear()
        self.size = 0
        if self._is_text:
            self._is_text = False
            return piece.decode()
        return piece

    def seconds_left(self) -> "float | None":
        """How long the buffered chunks may still wait; None if the buffer is empty."""
        return self._due - self._clock() if self.size else None


# --- in the handler's thread -----------------------------------------------------------------------------------------


class Coalesced(TypedBody):
    """A body with its small chunks joined. `clock` counts seconds.

    The runtime calls its `write_to`: a thread then sends what is old enough while the source computes or blocks. When
    something else iterates it, it looks at the clock only when a chunk comes.
    """

    def __init__(
        self,
        body: "Any",
        max_bytes: int,
        max_delay: float,
        clock: "Callable[[], float]" = monotonic,
        condition: "Callable[[], Condition]" = Condition,
    ) -> None:
        super().__init__(self._pieces(), getattr(body, "content_type", None), source=body)
        self._items: Iterator[Any] = iter(body)
        self._buffer = _Buffer(max_bytes, max_delay, clock)
        self._condition = condition

    def _pieces(self) -> "Generator[Chunk, None, object]":
        buffer = self._buffer
        while True:
            try:
                chunk = next(self._items)
                data = as_bytes(chunk)
            except StopIteration as end:
                returned = end.value
                break
            except BaseException:
                if buffer.size:
                    yield buffer.take()
                raise
            yield from buffer.add(chunk, data)
            del chunk, data  # while a view of it lives, a body cannot resize the bytearray that it yielded
        if buffer.size:
            yield buffer.take()
        return returned

    def write_to(self, writer: "ResponseWriter") -> object:
        """Write the body, then close it. The thread, if there is one, ends before this returns.

        Returns the return value of the body's generator.
        """
        buffer = self._buffer

        def flush() -> None:
            if buffer.size:
                writer.write(buffer.take())

        try:
            with TimerThread("streamify-coalesce", buffer.seconds_left, flush, self._condition()) as alarm:
                while True:
                    try:
                        chunk = next(self._items)
                        data = as_bytes(chunk)
                    except StopIteration as end:
                        returned = end.value
                        break
                    except BaseException:
                        with alarm.lock:
                            if alarm.failure is None:
                                flush()
                        raise
                    with alarm.lock:
                        alarm.check()
                        for piece in buffer.add(chunk, data):
                            writer.write(piece)
                            del piece
                        if buffer.size:
                            alarm.start()
                    del chunk, data
                with alarm.lock:
                    alarm.check()
                    flush()
            return returned
        finally:
            self.close()


# --- in the event loop -----------------------------------------------------------------------------------------------


class AsyncCoalesced(AsyncTypedBody):
    """An async body with its small chunks joined up to each wait of its source. `clock` counts seconds."""

    def __init__(self, body: "Any", max_bytes: int, max_delay: float, clock: "Callable[[], float]" = monotonic) -> None:
        super().__init__(self._pieces(), getattr(body, "content_type", None), source=body)
        self._items: AsyncIterator[Any] = body.__aiter__()
        self._buffer = _Buffer(max_bytes, max_delay, clock)

    async def _pieces(self) -> "AsyncIterator[Chunk]":
        buffer = self._buffer
        while True:
            step = _Step(self._items)
            try:
                if step.begin() and buffer.size:
                    yield buffer.take()
                chunk = await step
                data = b"" if chunk is _END else as_bytes(chunk)
            except BaseException:
                await step.abandon()  # a body that is closed at the yield still waits
                if buffer.size:
                    yield buffer.take()
                raise
            if chunk is _END:
                break
            for piece in buffer.add(chunk, data):
                yield piece
                del piece
            del chunk, data
        if buffer.size:
            yield buffer.take()


async def _next(chunks: "AsyncIterator[Chunk]") -> "Any":
    try:
        return await chunks.__anext__()
    except StopAsyncIteration:
        return _END


class _Step:
    """One step of a source to its next chunk, driven by hand, so that it shows when the source waits."""

    def __init__(self, chunks: "AsyncIterator[Chunk]") -> None:
        self._coroutine: Coroutine[Any, Any, Any] = _next(chunks)
        self._waits_for: Any = None  # what it yielded: a future, or None to let other tasks run
        self._is_marked = False
        self._chunk: Any = None
        self._is_over = True

    def begin(self) -> bool:
        """Run the source until it yields a chunk or waits; returns whether it waits."""
        try:
            self._waits_for = self._coroutine.send(None)
        except StopIteration as end:
            self._chunk = end.value
        else:
            self._is_over = False
            # An awaited future carries a mark until the task takes it over, and nothing else can await it until then.
            # The reader of the chunks may take long before it gets there.
            self._is_marked = getattr(self._waits_for, "_asyncio_future_blocking", False)
            self._mark(is_awaited=False)
        return not self._is_over

    def __await__(self) -> "Generator[Any, Any, Any]":
        """Pass what the source waits for to the event loop, and what wakes the task to the source."""
        while not self._is_over:
            self._mark(is_awaited=True)
            try:
                yield self._waits_for
            except BaseException as error:  # noqa: BLE001 - the source handles it
                self._resume(self._coroutine.throw, error)
            else:
                self._resume(self._coroutine.send, None)
        return self._chunk

    async def abandon(self) -> None:
        """End a step that waits, as a cancellation of its task does: the source's `finally` may wait again."""
        if self._is_over:
            return
        from asyncio import CancelledError

        cancel = getattr(self._waits_for, "cancel", None)
        try:
            if cancel is None or not cancel():
                self._resume(self._coroutine.throw, CancelledError())
            await self
        except CancelledError:
            pass

    def _resume(self, resume: "Callable[[Any], Any]", argument: object) -> None:
        self._is_over = True
        self._is_marked = False  # the next future is passed on at once
        try:
            self._waits_for = resume(argument)
        except StopIteration as end:
            self._chunk = end.value
        else:
            self._is_over = False

    def _mark(self, *, is_awaited: bool) -> None:
        if self._is_marked:
            self._waits_for._asyncio_future_blocking = is_awaited  # noqa: SLF001 - part of asyncio's future protocol
