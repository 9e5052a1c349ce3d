import asyncio
import io
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asynchronous import run
from invoking import FUNCTION_URL, invoke
from lambda_streamify import coalesce, keepalive
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody
from lambda_streamify._bodies.coalesce import AsyncCoalesced, Coalesced
from lambda_streamify.errors import ChunkTypeError, ResponseError
from simulated_time import SimulatedTime
from torn_wire import Wire
from waiting import TIMEOUT_S

CHUNKS = st.lists(st.binary(max_size=12) | st.text(max_size=6), max_size=12)
LONG = 1000.0  # seconds: never in a test


def as_one(chunks: list[Any]) -> bytes:
    return b"".join(chunk.encode() if isinstance(chunk, str) else bytes(chunk) for chunk in chunks)


def joined(chunks: Iterator[Any], max_bytes: int = 8, max_delay: float = LONG) -> list[Any]:
    """The pieces that a plain iteration yields."""
    body = coalesce(chunks, max_bytes, max_delay)
    assert isinstance(body, Coalesced)
    return list(body)


def write(body: object, wire: Wire) -> None:
    assert isinstance(body, Coalesced)
    body.write_to(wire)  # type: ignore[arg-type]  # it has all that a body needs


def written(chunks: Iterator[Any], max_bytes: int = 8) -> list[bytes]:
    """The chunks that the body writes itself."""
    wire = Wire()
    write(coalesce(chunks, max_bytes, LONG), wire)
    return wire.chunks


# --- by size ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pieces_of", [joined, written])
class TestBySize:
    def test_small_chunks_are_joined_up_to_the_limit(self, pieces_of: Callable[[Iterator[Any]], list[Any]]) -> None:
        assert pieces_of(iter([b"123", b"456", b"789", b"0"])) == [b"123456", b"7890"]
        assert pieces_of(iter([b"1234", b"5678", b"9"])) == [b"12345678", b"9"]

    def test_large_ones_pass_behind_what_came_before(self, pieces_of: Callable[[Iterator[Any]], list[Any]]) -> None:
        assert pieces_of(iter([b"1", b"23456789", b"0"])) == [b"1", b"23456789", b"0"]

    def test_an_empty_chunk_sends_what_there_is(self, pieces_of: Callable[[Iterator[Any]], list[Any]]) -> None:
        assert pieces_of(iter([b"", b"1", b"", b"2", b"3"])) == [b"", b"1", b"23"]

    def test_an_error_comes_after_what_came_before_it(self, pieces_of: Callable[[Iterator[Any]], list[Any]]) -> None:
        def chunks(seen: list[Any]) -> Iterator[Any]:
            yield "1"
            seen.append("asked")
            yield 5

        seen: list[Any] = []
        with pytest.raises(ChunkTypeError, match="yielded int"):
            pieces_of(chunks(seen))
        assert seen == ["asked"]

    def test_nothing_comes_of_nothing(self, pieces_of: Callable[[Iterator[Any]], list[Any]]) -> None:
        assert pieces_of(iter(())) == []

    @given(chunks=CHUNKS)
    def test_the_bytes_stay_the_same_and_the_pieces_within_the_limit(
        self, pieces_of: Callable[[Iterator[Any]], list[Any]], chunks: list[Any]
    ) -> None:
        pieces = pieces_of(iter(chunks))
        assert as_one(pieces) == as_one(chunks)
        assert all(
            len(as_one([piece])) <= 8 or piece in (*chunks, *map(str.encode, _texts(chunks))) for piece in pieces
        )


def _texts(chunks: list[Any]) -> list[str]:
    return [chunk for chunk in chunks if isinstance(chunk, str)]


def test_a_large_chunk_is_not_copied() -> None:
    large = bytes(100)
    assert joined(iter([b"1", large]))[1] is large
    view = memoryview(bytearray(100))
    assert joined(iter([view]))[0] is view


def test_a_buffer_that_is_filled_again_was_copied_before() -> None:
    def chunks() -> Iterator[bytearray]:
        buffer = bytearray(3)
        for number in range(3):
            buffer[:] = b"%d%d%d" % (number, number, number)
            yield buffer

    assert joined(chunks(), 100) == [b"000111222"]


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_a_buffer_can_be_resized_once_it_was_taken(size: int, kind: type[bytearray | memoryview]) -> None:
    def chunks() -> Iterator[bytearray | memoryview]:
        buffer = bytearray(size)
        for _ in range(3):
            yield buffer if kind is bytearray else memoryview(buffer)
            buffer += b"x"  # a BufferError while somebody looks at it

    wire = Wire()
    write(coalesce(chunks(), 50, LONG), wire)
    assert len(as_one(wire.chunks)) == 3 * size + 3


def test_the_first_piece_is_text_if_all_of_it_is_so_that_the_content_type_is_that_of_text() -> None:
    assert joined(iter(["é", "a", b"b" * 8, "c"])) == ["éa", b"b" * 8, b"c"]
    assert joined(iter(["a", b"b"])) == [b"ab"]
    assert joined(iter(["", "a"])) == ["", b"a"]

    sent = invoke(lambda _event, _context: coalesce(iter(["a", "b"])), FUNCTION_URL).sent
    assert sent.prelude["headers"] == {"content-type": "text/plain; charset=utf-8"}
    assert sent.content == b"ab"
    assert len(sent.chunks) == 2, "the prelude and the body"


def test_the_content_type_is_kept() -> None:
    body = coalesce(TypedBody(iter(["a"]), "text/csv"))
    assert body.content_type == "text/csv"


# --- by time ---------------------------------------------------------------------------------------------------------


def test_what_is_old_enough_is_written_while_the_source_blocks() -> None:
    now, wire = SimulatedTime(), Wire()
    seen: list[list[bytes]] = []

    def chunks() -> Iterator[str]:
        yield "a"
        yield "b"
        now.advance(0.04)
        seen.append(list(wire.chunks))
        now.advance(0.01)
        seen.append(list(wire.chunks))
        yield "c"
        now.advance(0.05)
        seen.append(list(wire.chunks))

    Coalesced(chunks(), 100, 0.05, now.clock, now.condition).write_to(wire)  # type: ignore[arg-type]

    assert seen == [[], [b"ab"], [b"ab", b"c"]]
    assert wire.chunks == [b"ab", b"c"]


def test_it_is_so_with_real_time_too() -> None:
    wire = Wire()

    def chunks() -> Iterator[str]:
        for number in range(1, 4):
            yield "a"
            yield "b"
            wire.wait_for(number)

    write(coalesce(chunks(), 100, 0.001), wire)

    assert wire.data == b"ab" * 3


def test_iterated_by_others_the_time_is_looked_at_when_a_chunk_comes() -> None:
    seconds = iter([0.0, 0.0, 0.04, 0.05, 0.06, 0.06])
    body = Coalesced(iter("abcd"), 100, 0.05, lambda: next(seconds))
    assert list(body) == ["abc", b"d"]


def test_there_is_a_thread_only_once_something_waits_and_none_in_the_end() -> None:
    before = threading.active_count()
    seen: list[int] = []

    def chunks() -> Iterator[bytes]:
        yield bytes(8)
        seen.append(threading.active_count() - before)
        for _ in range(20):
            yield bytes(3)
        seen.append(threading.active_count() - before)

    write(coalesce(chunks(), 8, LONG), Wire())

    assert seen == [0, 1]
    assert threading.active_count() == before


@given(CHUNKS, st.integers(1, 20))
def test_a_thread_that_flushes_as_fast_as_it_can_spoils_nothing(chunks: list[Any], max_bytes: int) -> None:
    def body() -> Iterator[Any]:
        for chunk in chunks:
            yield chunk
            time.sleep(0)

    wire = Wire()
    write(coalesce(body(), max_bytes, 1e-6), wire)
    assert wire.data == as_one(chunks)


# --- ends and errors -------------------------------------------------------------------------------------------------


def failing(closed: list[str]) -> Iterator[bytes]:
    try:
        yield b"1"
        yield b"2"
        raise ZeroDivisionError
    finally:
        closed.append("closed")


def test_what_came_before_an_error_is_yielded_and_written_first() -> None:
    closed: list[str] = []
    body = coalesce(failing(closed))
    assert isinstance(body, Coalesced)
    assert next(body) == b"12"
    with pytest.raises(ZeroDivisionError):
        next(body)

    wire = Wire()
    with pytest.raises(ZeroDivisionError):
        write(coalesce(failing(closed)), wire)
    assert wire.chunks == [b"12"]
    assert closed == ["closed"] * 2


def test_a_write_that_fails_ends_the_body() -> None:
    closed: list[str] = []
    before = threading.active_count()
    with pytest.raises(ConnectionError):
        write(coalesce(failing(closed), 1), Wire(fail_at=b"2"))
    assert closed == ["closed"]
    assert threading.active_count() == before


def flushed_by_its_thread(chunks: Iterator[bytes]) -> Coalesced:
    """A body whose chunks are old enough for its thread, and never for the thread of the handler."""
    handlers = threading.current_thread()
    return Coalesced(chunks, 100, 1, lambda: 0.0 if threading.current_thread() is handlers else 5.0)


def wait_for_its_end() -> None:
    """Return when the thread that flushes has failed."""
    for thread in [thread for thread in threading.enumerate() if thread.name == "streamify-coalesce"]:
        thread.join(TIMEOUT_S)
        assert not thread.is_alive()


def test_a_write_of_the_thread_that_fails_is_raised_by_the_next_chunk_or_at_the_end() -> None:
    def chunks(more: int) -> Iterator[bytes]:
        yield b"1"
        wait_for_its_end()
        for _ in range(more):
            yield b"2"

    for more in (0, 1):
        wire = Wire(fail_at=b"1")
        with pytest.raises(ConnectionError, match="the reader has gone"):
            write(flushed_by_its_thread(chunks(more)), wire)
        assert wire.chunks == []


def test_an_error_of_the_source_is_not_hidden_by_one_of_the_thread() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"1"
        wait_for_its_end()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        write(flushed_by_its_thread(chunks()), Wire(fail_at=b"1"))
    assert isinstance(caught.value.__context__, ConnectionError)


def test_closing_it_closes_the_source_also_unread() -> None:
    class Source(Iterator[bytes]):
        closed = 0

        def __next__(self) -> bytes:
            return b"1"

        def close(self) -> None:
            self.closed += 1

    for read in (False, True):
        source = Source()
        body = coalesce(source, 1)
        assert isinstance(body, Coalesced)
        if read:
            next(body)
        body.close()
        assert source.closed == 1


def test_a_file_is_read_in_blocks_and_closed() -> None:
    file = io.StringIO("line\n" * 3)
    wire = Wire()
    write(coalesce(file), wire)
    assert wire.chunks == [b"line\n" * 3]
    assert file.closed


@pytest.mark.parametrize("value", [{"statusCode": 200}, ["a"], "text", None])
def test_what_is_no_body_is_refused(value: Any) -> None:
    with pytest.raises(ResponseError, match="give it the body of the response"):
        coalesce(value)


def test_a_body_that_writes_itself_is_refused_with_the_way_out() -> None:
    with pytest.raises(ResponseError, match=r"KeptAlive.*keepalive\(coalesce\(body\)\)"):
        coalesce(keepalive(iter(()), data="\n"))


@pytest.mark.parametrize("arguments", [{"max_bytes": 0}, {"max_bytes": 1.5}, {"max_bytes": True}])
def test_a_size_that_is_none_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ResponseError, match=r"max_bytes is .*1 or more"):
        coalesce(iter(()), **arguments)


@pytest.mark.parametrize("max_delay", [0, -1, True, "1", None, float("nan")])
def test_a_delay_that_is_none_is_refused(max_delay: Any) -> None:
    with pytest.raises(ResponseError, match=r"max_delay is .*more than 0"):
        coalesce(iter(()), max_delay=max_delay)


# --- asynchronous bodies ---------------------------------------------------------------------------------------------


def async_joined(chunks: AsyncIterator[Any], max_bytes: int = 8, max_delay: float = LONG) -> list[Any]:
    async def read() -> list[Any]:
        body = coalesce(chunks, max_bytes, max_delay)
        assert isinstance(body, AsyncCoalesced)
        return [piece async for piece in body]

    return run(read())


async def each(*chunks: Any) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


def test_async_chunks_are_joined_by_size() -> None:
    assert async_joined(each(b"123", b"456", b"789", b"0123456789", "a")) == [b"123456", b"789", b"0123456789", b"a"]
    assert async_joined(each()) == []


@given(st.lists(st.binary(max_size=12) | st.text(max_size=6) | st.integers(0, 2), max_size=12))
def test_the_bytes_of_async_chunks_stay_the_same_wherever_the_source_waits(items: list[Any]) -> None:
    async def chunks() -> AsyncIterator[Any]:
        for item in items:
            if isinstance(item, int):
                for _ in range(item):
                    await asyncio.sleep(0)
            else:
                yield item

    async def read() -> list[Any]:
        return [piece async for piece in coalesce(chunks(), 8)]

    assert as_one(asyncio.run(read())) == as_one([item for item in items if not isinstance(item, int)])


def test_what_there_is_is_yielded_before_the_source_waits() -> None:
    async def main() -> None:
        gate = asyncio.Event()

        async def chunks() -> AsyncIterator[str]:
            yield "a"
            yield "b"
            await gate.wait()
            yield "c"

        body = coalesce(chunks(), max_delay=LONG)
        assert isinstance(body, AsyncCoalesced)
        assert await anext(body) == "ab"
        gate.set()  # it is opened by whoever has read what came before
        assert [piece async for piece in body] == [b"c"]

    run(main())


def test_a_wait_that_is_none_sends_nothing() -> None:
    async def nothing() -> None:
        pass

    async def chunks() -> AsyncIterator[str]:
        for chunk in "abc":
            await nothing()
            yield chunk

    assert async_joined(chunks()) == ["abc"]


def test_a_source_that_never_waits_is_sent_by_time() -> None:
    seconds = iter([0.0, 0.0, 0.04, 0.05, 0.06, 0.06])

    async def read() -> list[Any]:
        return [piece async for piece in AsyncCoalesced(each(*"abcd"), 100, 0.05, lambda: next(seconds))]

    assert run(read()) == ["abc", b"d"]


def test_what_the_source_waits_for_reaches_the_event_loop_as_it_is() -> None:
    """Without an event loop: the test is what drives the coroutine."""

    class Wish:
        def __await__(self) -> Generator[object, object, object]:
            return (yield self)

    wish = Wish()
    answers: list[object] = []

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        try:
            answers.append(await wish)
            await wish
        except ZeroDivisionError as error:
            answers.append(error)
        yield b"b"

    async def read(body: Any) -> list[Any]:
        return [piece async for piece in body]

    coroutine: Coroutine[object, object, list[Any]] = read(coalesce(chunks(), max_delay=LONG))
    assert coroutine.send(None) is wish
    assert coroutine.send(None) is wish
    error = ZeroDivisionError()
    with pytest.raises(StopIteration) as end:
        coroutine.throw(error)
    assert answers == [None, error]
    assert end.value.value == [b"a", b"b"]


def test_a_future_that_another_task_awaits_too_can_be_awaited() -> None:
    async def main() -> None:
        shared: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def chunks() -> AsyncIterator[str]:
            yield "a"
            yield await shared

        async def other() -> str:
            return await shared

        body = coalesce(chunks())
        assert isinstance(body, AsyncCoalesced)
        assert await anext(body) == "a"
        task = asyncio.ensure_future(other())
        await asyncio.sleep(0)  # it awaits the future that the source has asked for, but the loop has not seen yet
        asyncio.get_running_loop().call_soon(shared.set_result, "b")
        assert [piece async for piece in body] == [b"b"]
        assert await task == "b"

    run(main())


def test_a_future_that_is_done_meanwhile_can_be_awaited() -> None:
    async def main() -> None:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        async def chunks() -> AsyncIterator[str]:
            yield "a"
            yield await future

        body = coalesce(chunks())
        assert isinstance(body, AsyncCoalesced)
        assert await anext(body) == "a"
        future.set_result("b")
        assert [piece async for piece in body] == [b"b"]

    run(main())


def test_a_cancellation_reaches_the_source_which_may_survive_it() -> None:
    async def main() -> None:
        waits = asyncio.Event()

        async def chunks() -> AsyncIterator[str]:
            yield "a"
            try:
                waits.set()
                await asyncio.sleep(LONG)
            except asyncio.CancelledError:
                yield "cancelled"

        async def read() -> list[Any]:
            return [piece async for piece in coalesce(chunks())]

        task = asyncio.ensure_future(read())
        await waits.wait()
        await asyncio.sleep(0)
        task.cancel()
        assert await task == ["a", b"cancelled"]

    run(main())


def test_a_timeout_of_the_source_works() -> None:
    async def chunks() -> AsyncIterator[str]:
        yield "a"
        try:
            await asyncio.wait_for(asyncio.sleep(LONG), 0.001)
        except asyncio.TimeoutError:
            yield "late"

    assert async_joined(chunks()) == ["a", b"late"]


def test_what_came_before_an_error_of_an_async_source_is_yielded_first() -> None:
    async def chunks(*, waits: bool) -> AsyncIterator[bytes]:
        yield b"1"
        yield b"2"
        if waits:
            await asyncio.sleep(0)
        raise ZeroDivisionError

    async def read(body: Any) -> None:
        assert await anext(body) == b"12"
        with pytest.raises(ZeroDivisionError):
            await anext(body)

    for waits in (False, True):
        run(read(coalesce(chunks(waits=waits))))


def test_a_chunk_that_is_none_is_an_error_after_what_came_before() -> None:
    async def read(body: Any) -> None:
        assert await anext(body) == b"1"
        with pytest.raises(ChunkTypeError, match="yielded int"):
            await anext(body)

    run(read(coalesce(each(b"1", 5))))


@pytest.mark.parametrize("waits_for", ["a sleep", "a turn", "a task", "what is done"])
def test_closed_while_its_source_waits_it_ends_the_source_as_a_cancellation_would(waits_for: str) -> None:
    async def main() -> None:
        ended: list[object] = []
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        inner = asyncio.ensure_future(asyncio.sleep(LONG))
        waits = {"a sleep": asyncio.sleep(LONG), "a turn": asyncio.sleep(0), "a task": inner, "what is done": done}

        async def chunks() -> AsyncIterator[str]:
            try:
                yield "a"
                await waits[waits_for]
                ended.append("went on")
            except asyncio.CancelledError as error:
                ended.append(type(error))
                raise
            finally:
                await asyncio.sleep(0)  # as the end of a connection does
                ended.append(asyncio.current_task())

        body = coalesce(chunks())
        assert isinstance(body, AsyncCoalesced)
        assert await anext(body) == "a"
        done.set_result(None)
        await body.aclose()
        assert ended == [asyncio.CancelledError, asyncio.current_task()]
        assert (waits_for == "a task") == inner.cancelled()
        inner.cancel()
        for awaitable in waits.values():
            if asyncio.iscoroutine(awaitable):
                awaitable.close()
        await asyncio.sleep(0)

    run(main())


def test_an_error_in_the_end_of_the_source_is_not_lost() -> None:
    async def main() -> None:
        async def chunks() -> AsyncIterator[str]:
            yield "a"
            try:
                await asyncio.sleep(LONG)
            finally:
                raise ZeroDivisionError

        body = coalesce(chunks())
        assert isinstance(body, AsyncCoalesced)
        await anext(body)
        with pytest.raises(ZeroDivisionError):
            await body.aclose()

    run(main())


def test_closing_closes_an_async_source_also_unread_in_the_task_that_closes() -> None:
    class Source:
        closed: asyncio.Task[Any] | None = None

        def __aiter__(self) -> "Source":
            return self

        async def __anext__(self) -> bytes:
            return b"1"

        async def aclose(self) -> None:
            self.closed = asyncio.current_task()

    async def main(*, read: bool) -> None:
        source = Source()
        body = coalesce(source, 1)
        assert isinstance(body, AsyncCoalesced)
        if read:
            assert await anext(body) == b"1"
        await body.aclose()
        assert source.closed is asyncio.current_task()

    run(main(read=False))
    run(main(read=True))


def test_an_async_source_runs_in_the_context_of_its_reader() -> None:
    variable: ContextVar[str] = ContextVar("variable")

    async def chunks() -> AsyncIterator[str]:
        token = variable.set("set")
        yield "a"
        await asyncio.sleep(0)
        variable.reset(token)
        yield variable.get("reset")

    assert async_joined(chunks(), 100) == ["a", b"reset"]


def test_the_content_type_of_an_async_body_is_kept() -> None:
    assert coalesce(AsyncTypedBody(each(), "text/csv")).content_type == "text/csv"


def test_the_runtime_sends_what_there_is_while_an_async_source_waits() -> None:
    loop = asyncio.new_event_loop()

    async def handler(_event: object, _context: object) -> Any:
        async def chunks() -> AsyncIterator[str]:
            yield "a"
            yield "b"
            await asyncio.sleep(0)
            yield "c"

        return coalesce(chunks(), max_delay=LONG)

    try:
        sent = invoke(handler, FUNCTION_URL, loop=lambda: loop).sent
    finally:
        loop.close()
    assert sent.chunks[1:] == [b"ab", b"c"]
