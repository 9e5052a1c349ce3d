import asyncio
import io
import re
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asynchronous import run
from event_stream_parser import EventSource
from invoking import FUNCTION_URL, HTTP_API, invoke
from lambda_streamify import StreamingResponse, coalesce, keepalive
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody
from lambda_streamify._bodies.keepalive import AsyncKeptAlive, KeptAlive
from lambda_streamify._response.response import as_stream
from lambda_streamify.errors import ResponseError
from simulated_time import SimulatedTime, run_simulated
from torn_wire import Wire
from waiting import TIMEOUT_S

SIGN = b": keep-alive\n\n"
EVENT_STREAM = "text/event-stream; charset=utf-8"
NDJSON = "application/x-ndjson"
AT_ONCE = 1e-6  # seconds: as fast as it can


def timed(body: Any, now: SimulatedTime, *, every: float = 15, data: str | bytes | None = None) -> KeptAlive:
    """As `keepalive`, on the test's time."""
    kept = keepalive(body, every, data)
    assert isinstance(kept, KeptAlive)
    return KeptAlive(kept._body, kept._rhythm, now.clock, now.condition)  # noqa: SLF001 - time is a parameter there


def events(chunks: Iterable[Any]) -> TypedBody:
    return TypedBody(iter(chunks), EVENT_STREAM)


def async_events(chunks: AsyncIterator[Any]) -> AsyncTypedBody:
    return AsyncTypedBody(chunks, EVENT_STREAM)


def write(body: object, wire: Wire) -> None:
    assert isinstance(body, KeptAlive)
    body.write_to(wire)  # type: ignore[arg-type]  # it has all that a body needs


async def awrite(body: object, wire: Wire) -> None:
    assert isinstance(body, AsyncKeptAlive)
    await body.awrite_to(wire)  # type: ignore[arg-type]


# --- what is sent, and when ------------------------------------------------------------------------------------------


def written(chunks: Callable[[SimulatedTime], Iterator[Any]], content_type: str = EVENT_STREAM) -> list[bytes]:
    now, wire = SimulatedTime(), Wire()
    write(timed(TypedBody(chunks(now), content_type), now), wire)
    return wire.chunks


def test_a_sign_of_life_is_sent_when_nothing_was_written_for_so_long_also_before_the_first_item() -> None:
    def chunks(now: SimulatedTime) -> Iterator[str]:
        now.advance(15)
        yield "data: 1\n\n"
        now.advance(14)
        yield "data: 2\n\n"
        now.advance(14)
        yield "data: 3\n\n"
        now.advance(15)
        now.advance(15)
        yield "data: 4\n\n"

    assert written(chunks) == [SIGN, b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n", SIGN, SIGN, b"data: 4\n\n"]


def test_none_is_sent_inside_a_record() -> None:
    def chunks(now: SimulatedTime) -> Iterator[str | bytes]:
        for part in ("data: 1", b"\r\n", "\r"):
            yield part
            now.advance(15)
            now.advance(15)
        yield b"\n"
        now.advance(15)

    assert written(chunks) == [b"data: 1", b"\r\n", b"\r", b"\n", SIGN]


def test_lines_of_json_get_an_empty_line() -> None:
    def chunks(now: SimulatedTime) -> Iterator[str]:
        now.advance(15)
        yield '{"a":'
        now.advance(15)
        yield "1}\n"
        now.advance(15)

    assert written(chunks, NDJSON) == [b"\n", b'{"a":', b"1}\n", b"\n"]


def test_an_empty_chunk_writes_nothing_and_puts_nothing_off() -> None:
    def chunks(now: SimulatedTime) -> Iterator[str]:
        now.advance(10)
        yield ""
        now.advance(5)

    assert written(chunks) == [b"", SIGN]


def test_a_body_of_another_kind_gets_what_it_is_told_between_its_chunks() -> None:
    now, wire = SimulatedTime(), Wire()

    def chunks() -> Iterator[str]:
        yield "half a line"
        now.advance(3)
        yield " and the rest\n"

    write(timed(chunks(), now, every=3, data="# wait\n"), wire)

    assert wire.chunks == [b"half a line", b"# wait\n", b" and the rest\n"]


def test_what_is_told_goes_between_the_records_of_a_known_kind() -> None:
    now, wire = SimulatedTime(), Wire()
    ping = "event: ping\ndata:\n\n"

    def chunks() -> Iterator[str]:
        yield "data: 1\n"
        now.advance(15)
        yield "\n"
        now.advance(15)

    write(timed(events(chunks()), now, data=ping), wire)

    assert wire.chunks == [b"data: 1\n", b"\n", ping.encode()]


def test_a_body_that_writes_itself_is_given_a_writer_that_knows_of_the_signs() -> None:
    now, wire = SimulatedTime(), Wire()

    def chunks() -> Iterator[str]:
        yield "data:"
        yield " 1\n"
        yield ""  # send what there is
        now.advance(15)
        yield "\n"
        yield ""
        now.advance(15)

    write(timed(coalesce(events(chunks()), max_delay=1000), now), wire)

    assert wire.chunks == [b"data: 1\n", b"\n", SIGN]


def test_iterated_by_others_it_is_the_body_alone() -> None:
    body = keepalive(events(["data: 1\n\n", "data: 2\n\n"]), every=AT_ONCE)
    assert isinstance(body, KeptAlive)
    assert next(body) == "data: 1\n\n"
    assert list(body) == ["data: 2\n\n"]
    assert body.content_type == EVENT_STREAM


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "chunk", "record"),
    [
        (lambda body: StreamingResponse(body, content_type="text/event-stream"), "data: 1\n\n", SIGN),
        (lambda body: StreamingResponse(body, headers={"Content-Type": EVENT_STREAM}), "data: 1\n\n", SIGN),
        (lambda body: {"headers": {"content-type": "text/event-stream"}, "body": body}, "data: 1\n\n", SIGN),
        (lambda body: {"headers": {"CONTENT-TYPE": NDJSON}, "body": body}, "{}\n", b"\n"),
    ],
)
def test_a_body_without_a_type_takes_that_of_the_response_that_carries_it(
    make: Callable[[object], object], chunk: str, record: bytes
) -> None:
    now, wire = SimulatedTime(), Wire()

    def chunks() -> Iterator[str]:
        yield chunk[:-1]
        now.advance(15)
        yield chunk[-1:]
        now.advance(15)

    kept = timed(chunks(), now)
    response = as_stream(make(kept))
    write(kept, wire)

    assert response is not None
    assert response.body is kept
    assert wire.chunks == [chunk[:-1].encode(), chunk[-1:].encode(), record]


def test_an_async_body_without_a_type_takes_that_of_the_response_too() -> None:
    async def chunks() -> AsyncIterator[str]:
        await asyncio.sleep(15)
        yield "data: 1\n\n"

    wire, kept = Wire(), keepalive(chunks(), 10)
    StreamingResponse(kept, content_type="text/event-stream")
    run_simulated(awrite(kept, wire))

    assert wire.chunks == [SIGN, b"data: 1\n\n"]


def test_a_body_whose_records_nothing_tells_is_refused_by_the_response_with_the_way_out() -> None:
    with pytest.raises(ResponseError, match=r"a body without a content type.*sse\.events\(\).*data="):
        StreamingResponse(keepalive(iter(())))
    with pytest.raises(ResponseError, match=r"'text/csv'.*data="):
        StreamingResponse(keepalive(TypedBody(iter(()), "text/csv")))
    with pytest.raises(ResponseError, match=r"'text/html'.*data="):
        as_stream({"headers": {"content-type": "text/html"}, "body": keepalive(iter(()))})
    with pytest.raises(ResponseError, match=r"a body without a content type.*data="):
        as_stream(keepalive(iter(())))


@pytest.mark.parametrize("every", [0, -1, True, "15", None, float("nan")])
def test_a_time_that_is_none_is_refused(every: Any) -> None:
    with pytest.raises(ResponseError, match=r"every is .*more than 0"):
        keepalive(events([]), every)


@pytest.mark.parametrize("data", ["", b"", 5, bytearray(b"x")])
def test_a_sign_that_is_none_is_refused(data: Any) -> None:
    with pytest.raises(ResponseError, match=r"data is .*not empty"):
        keepalive(events([]), data=data)


def test_a_sign_that_the_next_record_would_become_a_part_of_is_refused() -> None:
    with pytest.raises(ResponseError, match=r"leaves a record open; let it end with '\\n\\n'"):
        keepalive(events([]), data="event: ping\n")
    with pytest.raises(ResponseError, match=r"let it end with '\\n'"):
        keepalive(TypedBody(iter(()), NDJSON), data="{}")


@pytest.mark.parametrize("value", [{"statusCode": 200}, ["a"], "text", None])
def test_what_is_no_body_is_refused(value: Any) -> None:
    with pytest.raises(ResponseError, match="give it the body of the response"):
        keepalive(value, data="\n")


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_no_thread_is_left_over_and_the_body_is_closed_whatever_ends_it() -> None:
    before, closed = threading.active_count(), []

    def chunks(error: type[Exception] | None) -> Iterator[bytes]:
        try:
            yield b"data: 1\n\n"
            if error:
                raise error
            yield b"the end"
        finally:
            closed.append(True)

    write(keepalive(events(chunks(None)), AT_ONCE), Wire())
    with pytest.raises(ZeroDivisionError):
        write(keepalive(events(chunks(ZeroDivisionError)), 1000), Wire())
    with pytest.raises(ConnectionError):
        write(keepalive(events(chunks(None)), 1000), Wire(b"the end"))

    assert closed == [True] * 3
    assert threading.active_count() == before


def test_a_body_that_was_never_written_closes_its_source() -> None:
    class Source(Iterator[str]):
        closed = False

        def __next__(self) -> str:
            raise StopIteration

        def close(self) -> None:
            self.closed = True

    source = Source()
    body = keepalive(source, data="\n")
    assert isinstance(body, KeptAlive)
    body.close()
    assert source.closed


def until_failed() -> None:
    """Return when a sign of life was tried: it fails, which ends the thread."""
    for thread in [thread for thread in threading.enumerate() if thread.name == "streamify-keepalive"]:
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def test_a_sign_that_fails_is_raised_by_the_next_write() -> None:
    after: list[bytes] = []

    def chunks() -> Iterator[str]:
        until_failed()
        yield "data: 1\n\n"
        after.append(b"not reached")

    wire = Wire(fail_at=SIGN)
    with pytest.raises(ConnectionError, match="the reader has gone"):
        write(keepalive(events(chunks()), AT_ONCE), wire)
    assert wire.chunks == after == []


def test_a_sign_that_fails_is_raised_at_the_end_if_nothing_more_is_written() -> None:
    def chunks() -> Iterator[str]:
        until_failed()
        yield from ()

    with pytest.raises(ConnectionError, match="the reader has gone"):
        write(keepalive(events(chunks()), AT_ONCE), Wire(fail_at=SIGN))


class Persistent:
    """A body that writes itself, and goes on when a write has failed. What has been sent by then nobody knows."""

    content_type = EVENT_STREAM

    def __init__(self, wait: Callable[[], object]) -> None:
        self._wait = wait

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("it writes itself")
        yield

    def write_to(self, writer: Any) -> None:
        with pytest.raises(ConnectionError):
            writer.write("lost")
        self._wait()
        writer.write("\n\n")
        self._wait()


class AsyncPersistent:
    content_type = EVENT_STREAM

    async def __aiter__(self) -> AsyncIterator[str]:
        raise AssertionError("it writes itself")
        yield

    async def awrite_to(self, writer: Any) -> None:
        with pytest.raises(ConnectionError):
            await writer.awrite("lost")
        await asyncio.sleep(16)
        await writer.awrite("\n\n")
        await asyncio.sleep(16)


def test_after_a_write_that_failed_a_record_may_be_open() -> None:
    now, wire = SimulatedTime(), Wire(fail_at=b"lost")
    write(timed(Persistent(lambda: now.advance(15)), now), wire)
    assert wire.chunks == [b"\n\n", SIGN]


def test_so_it_is_in_the_event_loop() -> None:
    wire = Wire(fail_at=b"lost")
    run_simulated(awrite(keepalive(AsyncPersistent()), wire))  # type: ignore[call-overload]
    assert wire.chunks == [b"\n\n", SIGN]


# --- torn at from both sides -----------------------------------------------------------------------------------------

PIECES = st.lists(st.text(alphabet="d:\r\n x", max_size=6) | st.just("\n\n") | st.just("data: é\r\n\r\n"), max_size=12)


def assert_only_signs_were_added(plain: bytes, stream: bytes) -> int:
    """Both bytes and meaning are those of the stream without signs; returns how many there were."""
    parts = stream.split(SIGN)
    assert b"".join(parts) == plain
    for number in range(1, len(parts)):
        before = b"".join(parts[:number]).decode()
        assert before == "" or re.split("\r\n|\r|\n", before)[-2:] == ["", ""], "it stands in a record"
    with_signs, without = EventSource().read(stream), EventSource().read(plain)
    assert with_signs.messages == without.messages
    assert sorted(with_signs.comments) == sorted([*without.comments, *[" keep-alive"] * (len(parts) - 1)])
    return len(parts) - 1


def test_a_thread_that_ticks_as_fast_as_it_can_spoils_nothing() -> None:
    signs = []

    @settings(max_examples=60)
    @given(PIECES)
    def tear(chunks: list[str]) -> None:
        def body() -> Iterator[str]:
            for chunk in chunks:
                time.sleep(0)
                yield chunk

        wire = Wire()
        write(keepalive(events(body()), AT_ONCE), wire)
        signs.append(assert_only_signs_were_added("".join(chunks).encode(), wire.data))

    tear()
    assert sum(signs) > 0


def test_a_thread_that_ticks_while_another_flushes_spoils_nothing() -> None:
    signs = []

    @settings(max_examples=40)
    @given(PIECES)
    def tear(chunks: list[str]) -> None:
        def body() -> Iterator[str]:
            for chunk in chunks:
                time.sleep(0)
                yield chunk

        wire = Wire()
        write(keepalive(coalesce(events(body()), 10, AT_ONCE), AT_ONCE), wire)
        signs.append(assert_only_signs_were_added("".join(chunks).encode(), wire.data))

    tear()
    assert sum(signs) > 0


def test_each_gap_between_records_can_hold_one_and_each_gap_inside_of_them_none() -> None:
    wire, inside = Wire(), []

    def body() -> Iterator[str]:
        for number in range(5):
            count = len(wire.chunks)
            yield "data: "
            inside.append(wire.chunks[-1])
            time.sleep(0)
            yield f"{number}\n\n"
            wire.wait_for(count + 4)  # a sign after it, at least

    write(keepalive(events(body()), AT_ONCE), wire)

    assert inside == [b"data: "] * 5
    assert assert_only_signs_were_added(b"".join(b"data: %d\n\n" % n for n in range(5)), wire.data) >= 5


def test_a_task_that_ticks_as_fast_as_it_can_spoils_nothing() -> None:
    signs = []

    @settings(max_examples=60)
    @given(PIECES, st.integers(0, 3), st.booleans())
    def tear(chunks: list[str], pauses: int, joined: bool) -> None:  # noqa: FBT001 - Hypothesis passes it
        async def body() -> AsyncIterator[str]:
            for chunk in chunks:
                for _ in range(pauses):
                    await asyncio.sleep(0)
                yield chunk
            for _ in range(pauses):
                await asyncio.sleep(0)

        wire = Wire()
        source = async_events(body())
        kept = keepalive(coalesce(source, 10) if joined else source, 1e-9)  # less than a turn of the event loop
        asyncio.run(awrite(kept, wire))
        signs.append(assert_only_signs_were_added("".join(chunks).encode(), wire.data))

    tear()
    assert sum(signs) > 0


# --- in the event loop -----------------------------------------------------------------------------------------------


def async_written(
    chunks: AsyncIterator[Any], every: float = 15, content_type: str = EVENT_STREAM, wire: Wire | None = None
) -> list[bytes]:
    wire = wire or Wire()
    body = keepalive(AsyncTypedBody(chunks, content_type), every)
    assert isinstance(body, AsyncKeptAlive)
    assert body.content_type == content_type
    run_simulated(awrite(body, wire))
    return wire.chunks


def test_in_the_event_loop_signs_are_sent_while_the_body_waits() -> None:
    async def chunks() -> AsyncIterator[str]:
        await asyncio.sleep(16)
        yield "data: 1\n\n"
        await asyncio.sleep(14)
        yield "data: 2"
        await asyncio.sleep(100)
        yield "\n\n"
        await asyncio.sleep(31)

    assert async_written(chunks()) == [SIGN, b"data: 1\n\n", b"data: 2", b"\n\n", SIGN, SIGN]


def test_there_lines_of_json_get_an_empty_line() -> None:
    async def chunks() -> AsyncIterator[str]:
        await asyncio.sleep(16)
        yield "{}\n"

    assert async_written(chunks(), content_type=NDJSON) == [b"\n", b"{}\n"]


def test_there_is_no_thread_and_the_body_runs_and_ends_in_the_task_that_writes_it() -> None:
    variable: ContextVar[str] = ContextVar("variable")
    seen: list[object] = []
    before = threading.active_count()

    async def chunks() -> AsyncIterator[str]:
        token = variable.set("the body's")
        try:
            await asyncio.sleep(20)
            seen.extend((asyncio.current_task(), threading.active_count()))
            yield "data: 1\n\n"
            yield "the end"
        finally:
            variable.reset(token)  # a ValueError in any other context
            seen.append(asyncio.current_task())

    async def write() -> None:
        with pytest.raises(ConnectionError):
            await awrite(keepalive(async_events(chunks())), Wire(b"the end"))
        assert seen == [asyncio.current_task(), before, asyncio.current_task()]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_simulated(write())


def test_there_a_sign_that_fails_is_raised_by_the_next_write_or_at_the_end() -> None:
    async def chunks(number: int) -> AsyncIterator[str]:
        await asyncio.sleep(100)
        for _ in range(number):
            yield "data: 1\n\n"

    for number in (0, 1):
        wire = Wire(fail_at=SIGN)
        with pytest.raises(ConnectionError, match="the reader has gone"):
            async_written(chunks(number), wire=wire)
        assert wire.chunks == []


def test_there_an_error_of_the_body_comes_with_that_of_the_sign() -> None:
    async def chunks() -> AsyncIterator[str]:
        await asyncio.sleep(100)
        raise ZeroDivisionError
        yield

    with pytest.raises(ZeroDivisionError) as caught:
        async_written(chunks(), wire=Wire(fail_at=SIGN))
    assert isinstance(caught.value.__context__, ConnectionError)


@pytest.mark.parametrize("moment", [5.0, 15.0, 15.5])
def test_there_a_cancellation_ends_the_body_and_the_signs(moment: float) -> None:
    ended = []

    async def chunks() -> AsyncIterator[str]:
        try:
            await asyncio.sleep(100)
            yield "never"
        finally:
            ended.append(True)

    async def write() -> None:
        wire = Wire()
        task = asyncio.ensure_future(awrite(keepalive(async_events(chunks())), wire))
        await asyncio.sleep(moment)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == [True]
        assert wire.data in (b"", SIGN), "a sign that has begun goes out whole"

    run_simulated(write())


def test_there_iterated_by_others_it_is_the_body_alone() -> None:
    async def chunks() -> AsyncIterator[str]:
        yield "data: 1\n\n"
        await asyncio.sleep(100)
        yield "data: 2\n\n"

    async def read() -> list[Any]:
        body = keepalive(async_events(chunks()))
        assert isinstance(body, AsyncKeptAlive)
        return [await anext(body), *[chunk async for chunk in body]]

    assert run_simulated(read()) == ["data: 1\n\n", "data: 2\n\n"]


# --- in an invocation ------------------------------------------------------------------------------------------------


def test_the_runtime_sends_the_signs_with_status_and_content_type_before_the_first_item() -> None:
    ticked = threading.Event()

    def handler(_event: object, _context: object) -> Any:
        def chunks() -> Iterator[str]:
            assert ticked.wait(TIMEOUT_S), "nothing is written before the first item"
            yield "data: 1\n\n"

        body = keepalive(events(chunks()), AT_ONCE)
        assert isinstance(body, KeptAlive)
        write_to = body.write_to

        def watched(writer: Any) -> None:
            write = writer.write

            def write_and_tell(chunk: Any) -> None:
                write(chunk)
                ticked.set()

            writer.write = write_and_tell
            write_to(writer)

        body.write_to = watched  # type: ignore[method-assign]
        return {"statusCode": 201, "body": body}

    sent = invoke(handler, FUNCTION_URL).sent

    assert sent.prelude == {"statusCode": 201, "headers": {"content-type": EVENT_STREAM}}
    assert sent.content.startswith(SIGN)
    assert assert_only_signs_were_added(b"data: 1\n\n", sent.content) >= 1


def test_the_runtime_does_so_in_the_event_loop() -> None:
    loop = asyncio.new_event_loop()

    async def handler(_event: object, _context: object) -> Any:
        async def chunks() -> AsyncIterator[str]:
            for _ in range(10):
                await asyncio.sleep(0)
            yield "data: 1\n\n"

        return keepalive(async_events(chunks()), 1e-9)

    try:
        sent = invoke(handler, FUNCTION_URL, loop=lambda: loop).sent
    finally:
        loop.close()

    assert sent.prelude["headers"] == {"content-type": EVENT_STREAM}
    assert sent.content.startswith(SIGN)
    assert assert_only_signs_were_added(b"data: 1\n\n", sent.content) >= 1


def test_whoever_gets_the_response_in_one_piece_gets_no_signs() -> None:
    def handler(_event: object, _context: object) -> Any:
        return keepalive(events(["data: 1\n\n"]), AT_ONCE)

    assert invoke(handler, HTTP_API).sent.json["body"] == "data: 1\n\n"


def test_a_file_is_sent_in_blocks_and_closed() -> None:
    file, wire = io.BytesIO(b"content"), Wire()
    body = keepalive(file, 1000, data=b"\n")
    assert isinstance(body, KeptAlive)
    write(body, wire)
    assert wire.chunks == [b"content"]
    assert file.closed


def test_a_slow_reader_of_a_sign_holds_the_next_chunk_and_not_the_event_loop() -> None:
    order: list[bytes] = []

    async def main() -> None:
        sign_begun, reader_reads = asyncio.Event(), asyncio.Event()

        class SlowReader(Wire):
            async def awrite(self, chunk: Any) -> None:
                if bytes(chunk) == SIGN and not sign_begun.is_set():
                    sign_begun.set()
                    await reader_reads.wait()
                order.append(bytes(chunk))

        async def chunks() -> AsyncIterator[bytes]:
            await sign_begun.wait()
            yield b"data: 1\n\n"

        body = keepalive(async_events(chunks()), 1e-9)
        task = asyncio.ensure_future(awrite(body, SlowReader()))
        await sign_begun.wait()
        for _ in range(5):
            await asyncio.sleep(0)  # the body yields its chunk
        assert order == []
        reader_reads.set()
        await task

    run(main())
    assert order[0] == SIGN
    assert b"data: 1\n\n" in order
