import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, invoke, invoke_scripted
from lambda_streamify import open_stream
from lambda_streamify._response.writer import ResponseWriter
from lambda_streamify.errors import ChunkTypeError, StreamStateError
from scripted_api import ACCEPTED, Peer
from sent import parse

Loop = Callable[[], asyncio.AbstractEventLoop]


def test_chunks_of_many_threads_never_mix() -> None:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()

        def write(letter: bytes) -> None:
            for _ in range(200):
                out.write(letter * 50)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(write, [b"a", b"b", b"c", b"d"]))

    sent = invoke(handler, FUNCTION_URL).sent

    assert len(sent.chunks[1:]) == 800
    assert all(len(set(chunk)) == 1 and len(chunk) == 50 for chunk in sent.chunks[1:])


def test_chunks_of_many_tasks_never_mix_even_if_the_reader_is_slow(loop: Loop) -> None:
    size = 300_000

    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        await asyncio.gather(*(write(out, bytes([65 + n])) for n in range(8)))

    async def write(out: ResponseWriter, letter: bytes) -> None:
        for _ in range(5):
            await out.awrite(letter * size)

    sent = invoke(handler, DIRECT, loop=loop).sent

    assert sorted(chunk[:1] for chunk in sent.chunks) == sorted(bytes([65 + n]) for n in range(8) for _ in range(5))
    assert all(chunk == chunk[:1] * size for chunk in sent.chunks)


def test_a_coroutines_chunk_is_sent_before_it_first_suspends(loop: Loop) -> None:
    def script(peer: Peer) -> None:
        peer.read_until(b"first\r\n")
        arrived.set()
        peer.read_chunked_body()
        peer.send(ACCEPTED)

    arrived = threading.Event()

    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        await out.awrite("first")
        assert arrived.wait(10)  # blocks the loop, as a synchronous client library does

    invoke_scripted(handler, DIRECT, script, loop=loop)


def test_a_task_that_is_cancelled_in_a_write_leaves_whole_chunks(loop: Loop) -> None:
    large = b"x" * (16 * 1024 * 1024)
    stuck = threading.Event()

    def script(peer: Peer) -> None:
        assert stuck.wait(10)
        bodies.append(b"".join(parse(peer.read_request()).chunks))
        peer.send(ACCEPTED)

    bodies: list[bytes] = []

    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        writing = asyncio.ensure_future(out.awrite(large))
        await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        stuck.set()
        await out.awrite(b"after")

    invoke_scripted(handler, DIRECT, script, loop=loop)

    assert len(bodies[0]) == len(large) + len(b"after")
    assert bodies[0].endswith(b"xafter")


def test_a_task_that_is_cancelled_while_another_writes_does_not_keep_the_lock(loop: Loop) -> None:
    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        with out._sink.lock:  # noqa: SLF001 - as if a thread were writing
            waiting = asyncio.ensure_future(out.awrite("never"))
            await asyncio.sleep(0.01)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
        await out.awrite("well")

    assert invoke(handler, DIRECT, loop=loop).sent.chunks == [b"well"]


def test_close_ends_the_response_while_the_handler_continues() -> None:
    ended = threading.Event()

    def script(peer: Peer) -> None:
        assert parse(peer.read_request()).chunks == [b"all"]
        ended.set()
        peer.send(ACCEPTED)

    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        out.write("all")
        out.close()
        assert ended.is_set()
        assert out.closed
        out.close()
        with pytest.raises(StreamStateError, match="the response is over"):
            out.write("more")

    _, log = invoke_scripted(handler, DIRECT, script)
    assert log.errors == []


def test_a_with_block_closes_the_writer_unless_it_raises() -> None:
    def handler(_event: Any, _context: Any) -> None:
        with open_stream() as out:
            out.write("x")
        assert out.closed

    def broken(_event: Any, _context: Any) -> None:
        with open_stream() as out:
            out.write("x")
            raise ValueError("midway")

    assert invoke(handler, DIRECT).sent.trailers == {}
    assert invoke(broken, DIRECT).sent.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"


def test_a_writer_of_an_earlier_invocation_never_reaches_the_next() -> None:
    kept: list[ResponseWriter] = []

    def first(_event: Any, _context: Any) -> None:
        kept.append(open_stream())
        kept[0].write("first")

    def second(_event: Any, _context: Any) -> None:
        with pytest.raises(StreamStateError):
            kept[0].write("from before")
        open_stream().write("second")

    invoke(first, DIRECT)
    assert invoke(second, DIRECT).sent.chunks == [b"second"]


def test_after_an_error_before_the_first_write_nothing_can_be_written() -> None:
    kept: list[ResponseWriter] = []

    def handler(_event: Any, _context: Any) -> None:
        kept.append(open_stream())
        raise ValueError("early")

    assert invoke(handler, DIRECT).path == "error"
    with pytest.raises(StreamStateError):
        kept[0].write("late")


def test_a_wrong_type_is_refused_before_anything_is_sent() -> None:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream()
        with pytest.raises(ChunkTypeError, match="yielded dict"):
            out.write({})  # type: ignore[arg-type]
        out.flush()
        out.write("well")

    assert invoke(handler, DIRECT).sent.chunks == [b"well"]
