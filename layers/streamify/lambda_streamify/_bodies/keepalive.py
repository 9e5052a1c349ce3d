"""Keep-alive records in a stream that pauses: `keepalive`.

Services between a function and its reader close a connection that is idle for too long.
"""

from threading import Condition
from time import monotonic

from .._core.iteration import for_each
from .._response.response import StreamingResponse, is_async, is_stream
from ..errors import ResponseError
from .bodies import AsyncTypedBody, TypedBody
from .records import format_of
from .rhythm import Pulse, Rhythm
from .timer_thread import TimerThread

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from typing import Any, overload

    from .._response.response import Chunk, Readable
    from .._response.writer import ResponseWriter


if TYPE_CHECKING:

    @overload
    def keepalive(
        body: AsyncIterator[Chunk], every: float = ..., data: str | bytes | None = ...
    ) -> "AsyncKeptAlive": ...

    @overload
    def keepalive(
        body: Iterator[Chunk] | Readable, every: float = ..., data: str | bytes | None = ...
    ) -> "KeptAlive": ...


def keepalive(body: "Any", every: float = 15, data: "str | bytes | None" = None) -> "KeptAlive | AsyncKeptAlive":
    r"""Send a keep-alive record whenever nothing has been written for `every` seconds.

        return keepalive(sse.events(tokens()), every=10)

    body   the body of the response: from `sse.events` or `ndjson.lines`, or any other iterator of chunks or file-like
           object. Its `content_type` says where a record ends, or else that of the response that carries it.
    every  seconds
    data   the keep-alive record, whole. The default is the comment `: keep-alive` for server-sent events and an empty
           line for NDJSON. A body of another type, or of none, needs `data`, and gets it between two chunks.

    Keep-alive records go out between two records and nowhere else. One that comes before the first record takes status
    and headers with it. The body runs in the same thread and task as without `keepalive`. When something other than
    the runtime iterates the result, it yields no keep-alive records.

    Raises ResponseError for a wrong argument. A response that carries the result and has no known content type either
    raises it too.
    """
    if not is_stream(body):
        raise ResponseError(
            f"keepalive was given a {type(body).__name__}; give it the body of the response, a generator for example"
        )
    if isinstance(every, bool) or not isinstance(every, (int, float)) or not every > 0:
        raise ResponseError(f"keepalive: every is {every!r}; it must be a number of seconds, more than 0")
    body = StreamingResponse(body).body  # a file becomes blocks
    kind = format_of(getattr(body, "content_type", None))
    return (AsyncKeptAlive if is_async(body) else KeptAlive)(body, Rhythm(every, data, kind))


# --- in the handler's thread -----------------------------------------------------------------------------------------


class KeptAlive(TypedBody):
    """A body that the runtime keeps alive, in a thread beside the one that iterates it. `clock` counts seconds."""

    def __init__(
        self,
        body: "Any",
        rhythm: Rhythm,
        clock: "Callable[[], float]" = monotonic,
        condition: "Callable[[], Condition]" = Condition,
    ) -> None:
        super().__init__(iter(body), getattr(body, "content_type", None), source=body)
        self._body = body
        self._rhythm = rhythm
        self._clock = clock
        self._condition = condition

    def take_headers(self, headers: "Mapping[str, object]") -> None:
        """Read from the headers of the response what kind of records the body has, unless that is known."""
        self._rhythm.settle(self.content_type, headers)

    def write_to(self, writer: "ResponseWriter") -> object:
        """Write the body with keep-alive records, then close it. The thread ends before this returns.

        Returns the return value of the body's generator.
        """
        pulse = Pulse(self._rhythm, self._clock)
        try:
            with _Ticker(writer, pulse, self._condition()) as ticker:
                if hasattr(self._body, "write_to"):
                    returned: object = self._body.write_to(ticker)
                else:
                    returned = for_each(self._chunks, ticker.write)
            return returned
        finally:
            self.close()


class _Ticker:
    """The writer that the body gets. It follows the records in the stream, and writes keep-alive records."""

    def __init__(self, writer: "ResponseWriter", pulse: Pulse, condition: Condition) -> None:
        self._writer = writer
        self._pulse = pulse
        self._alarm = TimerThread("streamify-keepalive", pulse.seconds_left, self._tick, condition)

    def __enter__(self) -> "_Ticker":
        with self._alarm.lock:
            self._alarm.start()
        return self

    def __exit__(self, kind: object, error: "BaseException | None", traceback: object) -> None:
        self._alarm.__exit__(kind, error, traceback)

    def write(self, chunk: "Chunk") -> None:
        """Write one whole chunk; raises the error of a keep-alive record that could not be written."""
        with self._alarm.lock:
            self._alarm.check()
            try:
                self._writer.write(chunk)
            except BaseException:
                self._pulse.position.lose()
                raise
            self._pulse.passed(chunk)

    def _tick(self) -> None:
        record = self._pulse.beat()
        if record is not None:
            self._writer.write(record)


# --- in the event loop -----------------------------------------------------------------------------------------------


class AsyncKeptAlive(AsyncTypedBody):
    """A body that the runtime keeps alive, in a task beside the one that iterates it."""

    def __init__(self, body: "Any", rhythm: Rhythm) -> None:
        super().__init__(body.__aiter__(), getattr(body, "content_type", None), source=body)
        self._body = body
        self._rhythm = rhythm

    def take_headers(self, headers: "Mapping[str, object]") -> None:
        """Read from the headers of the response what kind of records the body has, unless that is known."""
        self._rhythm.settle(self.content_type, headers)

    async def awrite_to(self, writer: "ResponseWriter") -> None:
        """Write the body with keep-alive records, then close it. No task outlives this call."""
        from asyncio import get_running_loop

        pulse = Pulse(self._rhythm, get_running_loop().time)
        try:
            async with _AsyncTicker(writer, pulse) as ticker:
                if hasattr(self._body, "awrite_to"):
                    await self._body.awrite_to(ticker)
                else:
                    async for chunk in self._chunks:
                        await ticker.awrite(chunk)
                        del chunk
        finally:
            await self.aclose()


class _AsyncTicker:
    """`_Ticker` for coroutines."""

    def __init__(self, writer: "ResponseWriter", pulse: Pulse) -> None:
        from asyncio import Lock

        self._writer = writer
        self._pulse = pulse
        self._lock = Lock()  # asyncio's locks are fair: a chunk that waits is the next
        self._failure: Exception | None = None
        self._task: Task[None] | None = None

    async def __aenter__(self) -> "_AsyncTicker":
        from asyncio import get_running_loop

        self._task = get_running_loop().create_task(self._tick())
        return self

    async def __aexit__(self, kind: object, error: "BaseException | None", _: object) -> None:
        from asyncio import wait

        assert self._task is not None  # noqa: S101 - for the type checker
        is_awaited = kind is not GeneratorExit  # else no event loop runs that could continue this
        try:
            if is_awaited:
                await self._lock.acquire()  # a keep-alive record that has begun goes out whole
        finally:
            self._task.cancel()
        if is_awaited:
            await wait((self._task,))
        if error is None:
            self._check()
        elif error is not self._failure and error.__context__ is None:
            error.__context__ = self._failure

    async def awrite(self, chunk: "Chunk") -> None:
        """Write one whole chunk; raises the error of a keep-alive record that could not be written."""
        async with self._lock:
            self._check()
            try:
                await self._writer.awrite(chunk)
            except BaseException:
                self._pulse.position.lose()  # a part of it may have left
                raise
            self._pulse.passed(chunk)

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _tick(self) -> None:
        from asyncio import sleep

        try:
            while True:
                await sleep(max(self._pulse.seconds_left(), 0))
                async with self._lock:
                    record = self._pulse.beat()
                    if record is not None:
                        await self._writer.awrite(record)
        except Exception as failure:  # noqa: BLE001 - the invocation's task raises it
            self._failure = failure
