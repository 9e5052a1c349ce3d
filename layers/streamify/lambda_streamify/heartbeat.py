"""Signs of life in a stream that has nothing to say: `keepalive`.

Services between a function and its reader close a connection that is idle for too long.
"""

from threading import Condition
from time import monotonic

from .alarm import Alarm
from .bodies import AsyncTypedBody, TypedBody
from .errors import ResponseError
from .records import CHUNKS, Format, Position, format_of
from .response import StreamingResponse, is_async, is_stream

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Task
    from collections.abc import Callable
    from typing import Any

    from .response import Chunk
    from .writer import ResponseWriter


def keepalive(body: "Any", every: float = 15, data: "str | bytes | None" = None) -> "KeptAlive | AsyncKeptAlive":
    r"""`body`, and a sign of life whenever nothing has been written for `every` seconds.

    It goes out between two records and nowhere else, also before the first one: status and headers then leave with it.
    The `content_type` of the body, which those of `sse.events` and `ndjson.lines` have, says where a record ends. For
    server-sent events the sign is the comment `: keep-alive`, for NDJSON an empty line, or else `data`, which must be
    whole records. A body of another type, or of none, needs `data`: it is sent between two chunks. All else is a
    ResponseError.

    The body is iterated where it would be without; iterated by anything but the runtime, it yields no signs of life.
    """
    if not is_stream(body):
        raise ResponseError(
            f"keepalive was given a {type(body).__name__}; give it the body of the response, a generator for example"
        )
    if isinstance(every, bool) or not isinstance(every, (int, float)) or not every > 0:
        raise ResponseError(f"keepalive: every is {every!r}; it must be a number of seconds, more than 0")
    body = StreamingResponse(body).body  # a file becomes blocks
    kind = format_of(getattr(body, "content_type", None))
    sign = _sign(body, kind, data)
    return (AsyncKeptAlive if is_async(body) else KeptAlive)(body, _Rhythm(every, sign, kind or CHUNKS))


def _sign(body: object, kind: "Format | None", data: "str | bytes | None") -> "str | bytes":
    if data is None:
        if kind is None:
            content_type = getattr(body, "content_type", None)
            what = "a body without a content type" if content_type is None else f"{content_type!r}"
            raise ResponseError(
                f"keepalive does not know where a record ends in {what}, nor what may stand between two: give it a body"
                " from sse.events() or ndjson.lines(), or name what to send between two chunks, such as"
                r" keepalive(body, data=': keep-alive\n\n')"
            )
        return kind.keep_alive
    if not isinstance(data, (str, bytes)) or not data:
        raise ResponseError(f"keepalive: data is {data!r}; it must be str or bytes, and not empty")
    if kind is not None and not kind.is_whole(data):
        raise ResponseError(
            f"keepalive: data is {data!r}, which leaves a record open; let it end with {kind.endings[0].decode()!r}"
        )
    return data


class _Rhythm:
    """What is sent, how often (in seconds), and what records look like around it."""

    def __init__(self, every: float, sign: "str | bytes", kind: Format) -> None:
        self.every = every
        self.sign = sign
        self.kind = kind


class _Pulse:
    """When the next sign of life is due in one stream, and whether it may be sent."""

    def __init__(self, rhythm: _Rhythm, clock: "Callable[[], float]") -> None:
        self._rhythm = rhythm
        self._clock = clock
        self._due = clock() + rhythm.every
        self.position = Position(rhythm.kind)

    def seconds_left(self) -> float:
        """Until the next sign is due; 0 or less if it is."""
        return self._due - self._clock()

    def passed(self, chunk: "Chunk") -> None:
        """`chunk` has been written."""
        if len(chunk):
            self.position.move(chunk)
            self._due = self._clock() + self._rhythm.every

    def beat(self) -> "str | bytes | None":
        """What is to be sent now, if it is time and no record is open. Either way the time begins anew."""
        if self.seconds_left() > 0:
            return None
        self._due = self._clock() + self._rhythm.every
        return self._rhythm.sign if self.position.is_between_records else None


# --- in the handler's thread -----------------------------------------------------------------------------------------


class KeptAlive(TypedBody):
    """A body that the runtime keeps alive, in a thread beside the one that iterates it. `clock` counts seconds."""

    def __init__(
        self,
        body: "Any",
        rhythm: _Rhythm,
        clock: "Callable[[], float]" = monotonic,
        condition: "Callable[[], Condition]" = Condition,
    ) -> None:
        super().__init__(iter(body), getattr(body, "content_type", None), source=body)
        self._body = body
        self._rhythm = rhythm
        self._clock = clock
        self._condition = condition

    def write_to(self, writer: "ResponseWriter") -> None:
        """Write the body and the signs of life between its records, then close it. The thread ends before this does."""
        pulse = _Pulse(self._rhythm, self._clock)
        try:
            with _Ticker(writer, pulse, self._condition()) as ticker:
                if hasattr(self._body, "write_to"):
                    self._body.write_to(ticker)
                else:
                    for chunk in self._chunks:
                        ticker.write(chunk)
                        del chunk  # while a view of it lives, a body cannot resize the bytearray that it yielded
        finally:
            self.close()


class _Ticker:
    """The writer that the body gets: it knows where the stream has got to, and ticks in between."""

    def __init__(self, writer: "ResponseWriter", pulse: _Pulse, condition: Condition) -> None:
        self._writer = writer
        self._pulse = pulse
        self._alarm = Alarm("streamify-keepalive", pulse.seconds_left, self._tick, condition)

    def __enter__(self) -> "_Ticker":
        with self._alarm.lock:
            self._alarm.start()
        return self

    def __exit__(self, kind: object, error: "BaseException | None", traceback: object) -> None:
        self._alarm.__exit__(kind, error, traceback)

    def write(self, chunk: "Chunk") -> None:
        """Write one whole chunk; raises what a sign of life has failed with."""
        with self._alarm.lock:
            self._alarm.check()
            try:
                self._writer.write(chunk)
            except BaseException:
                self._pulse.position.lose()
                raise
            self._pulse.passed(chunk)

    def _tick(self) -> None:
        sign = self._pulse.beat()
        if sign is not None:
            self._writer.write(sign)


# --- in the event loop -----------------------------------------------------------------------------------------------


class AsyncKeptAlive(AsyncTypedBody):
    """A body that the runtime keeps alive, in a task beside the one that iterates it."""

    def __init__(self, body: "Any", rhythm: _Rhythm) -> None:
        super().__init__(body.__aiter__(), getattr(body, "content_type", None), source=body)
        self._body = body
        self._rhythm = rhythm

    async def awrite_to(self, writer: "ResponseWriter") -> None:
        """Write the body and the signs of life between its records, then close it. No task is left over."""
        from asyncio import get_running_loop

        pulse = _Pulse(self._rhythm, get_running_loop().time)
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

    def __init__(self, writer: "ResponseWriter", pulse: _Pulse) -> None:
        from asyncio import Lock

        self._writer = writer
        self._pulse = pulse
        self._lock = Lock()  # asyncio's are fair: a chunk that waits for it is the next
        self._failure: Exception | None = None
        self._task: Task[None] | None = None

    async def __aenter__(self) -> "_AsyncTicker":
        from asyncio import get_running_loop

        self._task = get_running_loop().create_task(self._tick())
        return self

    async def __aexit__(self, kind: object, error: "BaseException | None", _: object) -> None:
        from asyncio import wait

        assert self._task is not None  # noqa: S101 - for the type checker
        is_awaited = kind is not GeneratorExit  # else there is no event loop any more that could go on with this
        try:
            if is_awaited:
                await self._lock.acquire()  # a sign of life that is on its way goes out whole
        finally:
            self._task.cancel()
        if is_awaited:
            await wait((self._task,))
        if error is None:
            self._check()
        elif error is not self._failure and error.__context__ is None:
            error.__context__ = self._failure

    async def awrite(self, chunk: "Chunk") -> None:
        """Write one whole chunk; raises what a sign of life has failed with."""
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
                    sign = self._pulse.beat()
                    if sign is not None:
                        await self._writer.awrite(sign)
        except Exception as failure:  # noqa: BLE001 - the invocation's task raises it
            self._failure = failure
