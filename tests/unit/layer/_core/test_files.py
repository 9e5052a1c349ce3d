"""Files as bodies: when they are read, in which blocks, and that they are closed."""

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from threading import Thread
from typing import IO, Any
from urllib.request import urlopen

import pytest

from invoking import DIRECT, FUNCTION_URL, HTTP_API, Handler, Loop, invoke, invoke_scripted
from lambda_streamify._core.files import BLOCK_SIZE, FileBody
from lambda_streamify._response.response import StreamingResponse
from scripted_api import ACCEPTED, Peer
from sent import parse


def handing_over(file: Any) -> Handler:
    return lambda *_: {"body": file}


def handing_over_later(file: Any) -> Handler:
    async def handler(_event: Any, _context: Any) -> Any:
        return StreamingResponse(file)

    return handler


every_way = pytest.mark.parametrize("way", [handing_over, handing_over_later])


class Readable:
    """A minimal file object: not an iterator, and without `close`."""

    def __init__(self, data: bytes) -> None:
        self._file = BytesIO(data)
        self.sizes: list[int] = []

    def read(self, size: int) -> bytes:
        self.sizes.append(size)
        return self._file.read(size)


# --- blocks ----------------------------------------------------------------------------------------------------------


@every_way
def test_a_file_is_sent_in_blocks(way: Callable[[Any], Handler], loop: Loop) -> None:
    data = bytes(range(256)) * 1000

    sent = invoke(way(BytesIO(data)), FUNCTION_URL, loop=loop).sent

    assert sent.content == data
    assert [len(chunk) for chunk in sent.chunks[1:]] == [BLOCK_SIZE, BLOCK_SIZE, BLOCK_SIZE, len(data) - 3 * BLOCK_SIZE]
    assert sent.prelude["headers"] == {"content-type": "application/octet-stream"}


def test_a_file_of_text_is_text() -> None:
    sent = invoke(handing_over(StringIO("ä" * (BLOCK_SIZE + 1))), FUNCTION_URL).sent

    assert [len(chunk) for chunk in sent.chunks[1:]] == [2 * BLOCK_SIZE, 2]
    assert sent.prelude["headers"] == {"content-type": "text/plain; charset=utf-8"}


def test_an_object_with_only_read_is_a_file_too() -> None:
    file = Readable(b"x" * (BLOCK_SIZE + 1))

    assert invoke(handing_over(file), DIRECT).sent.body == b"x" * (BLOCK_SIZE + 1)
    assert set(file.sizes) == {BLOCK_SIZE}


def test_a_file_with_a_content_type_decides_the_content_type() -> None:
    class Typed(BytesIO):
        content_type = "image/png"

    assert invoke(handing_over(Typed(b"x")), FUNCTION_URL).sent.prelude["headers"] == {"content-type": "image/png"}


def test_an_empty_file_is_an_empty_body() -> None:
    assert invoke(handing_over(BytesIO()), FUNCTION_URL).sent.content == b""


def test_a_file_of_any_size_is_read_block_by_block(tmp_path: Path) -> None:
    size = 200 * 1024 * 1024
    path = tmp_path / "sparse"
    with path.open("wb") as sparse:
        sparse.truncate(size)
    reads: list[int] = []

    class Counted:
        def __init__(self, file: IO[bytes]) -> None:
            self._file = file

        def read(self, size: int) -> bytes:
            reads.append(size)
            return self._file.read(size)

    with path.open("rb") as file:
        blocks = 0
        for block in FileBody(Counted(file)):
            blocks += 1
            assert len(block) == BLOCK_SIZE
            assert len(reads) == blocks, "nothing is read before the block before is gone"

    assert blocks == size // BLOCK_SIZE


# --- files that grow -------------------------------------------------------------------------------------------------


@contextmanager
def pipe(mode: str) -> Iterator[tuple[IO[Any], Callable[[bytes], object], Callable[[], None]]]:
    """The reading end of a pipe, and a function that writes to the other end and closes it."""
    readable, writable = os.pipe()
    with os.fdopen(readable, mode) as file:
        yield file, lambda data: os.write(writable, data), lambda: os.close(writable)


@every_way
@pytest.mark.parametrize("mode", ["rb", "r"])
def test_data_in_a_pipe_is_sent_before_more_arrives(mode: str, way: Callable[[Any], Handler], loop: Loop) -> None:
    with pipe(mode) as (file, write, close):

        def script(peer: Peer) -> None:
            for line in (b"one\n", b"two\n"):
                write(line)
                assert line in peer.read_until(line + b"\r\n")
            close()
            assert peer.read_chunked_body() == b"0\r\n\r\n"
            peer.send(ACCEPTED)

        _, log = invoke_scripted(way(file), DIRECT, script, loop=loop)

    assert log.errors == []


def test_seekable_text_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("line\n" * BLOCK_SIZE)

    with path.open() as file:
        assert len(next(iter(FileBody(file)))) == BLOCK_SIZE


@contextmanager
def serving(script: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    class Upstream(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            script(self)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Upstream) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        try:
            yield "http://127.0.0.1:{}".format(*server.server_address[1:])
        finally:
            thread.join()


def test_a_urllib_response_is_sent_as_it_arrives_and_closed() -> None:
    from threading import Event

    arrived = Event()

    def upstream(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(b"first")
        assert arrived.wait(10)
        handler.wfile.write(b"second")

    def script(peer: Peer) -> None:
        peer.read_until(b"first\r\n")
        arrived.set()
        assert b"second" in peer.read_chunked_body()
        peer.send(ACCEPTED)

    with serving(upstream) as url:
        response = urlopen(url, timeout=10)  # noqa: S310 - a server of this test
        invoke_scripted(handing_over(response), DIRECT, script)

    assert response.closed


def test_a_response_of_botocore_is_sent_in_blocks_and_closed() -> None:
    from botocore.response import StreamingBody

    data = b"x" * (2 * BLOCK_SIZE + 1)
    raw = BytesIO(data)

    sent = invoke(handing_over(StreamingBody(raw, len(data))), DIRECT).sent

    assert [len(chunk) for chunk in sent.chunks] == [BLOCK_SIZE, BLOCK_SIZE, 1]
    assert raw.closed


def test_an_asynchronous_reader_is_iterated(loop: Loop) -> None:
    class Reader:  # as in aiohttp and anyio: not an iterator, and `read` is a coroutine function
        async def read(self, size: int = -1) -> bytes:
            raise AssertionError("iterated, not read")

        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"one"
            yield b"two"

    assert invoke(handing_over(Reader()), DIRECT, loop=loop).sent.chunks == [b"one", b"two"]


# --- closing ---------------------------------------------------------------------------------------------------------


class Failing(BytesIO):
    def read1(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError("the disk is gone")
        return super().read1(size)


HEAD: dict[str, Any] = {"requestContext": {**FUNCTION_URL["requestContext"], "http": {"method": "HEAD"}}}


@every_way
@pytest.mark.parametrize("event", [FUNCTION_URL, HEAD, HTTP_API, DIRECT], ids=["GET", "HEAD", "HTTP API", "direct"])
def test_a_file_is_closed_after_it_is_sent(event: Any, way: Callable[[Any], Handler], loop: Loop) -> None:
    file = BytesIO(b"x")

    invoke(way(file), event, loop=loop)

    assert file.closed


@every_way
def test_a_file_is_closed_when_reading_it_fails(way: Callable[[Any], Handler], loop: Loop) -> None:
    file = Failing(b"x" * BLOCK_SIZE * 2)

    outcome = invoke(way(file), FUNCTION_URL, loop=loop)

    assert outcome.sent.trailed_error["errorMessage"] == "the disk is gone"
    assert file.closed


@every_way
def test_a_file_is_closed_when_the_client_disconnects(way: Callable[[Any], Handler], loop: Loop) -> None:
    class Endless:
        closed = False

        def read(self, size: int) -> bytes:
            return bytes(size)

        def close(self) -> None:
            self.closed = True

    file = Endless()

    invoke_scripted(way(file), DIRECT, lambda peer: peer.read_until(b"\r\n\r\n"), loop=loop)

    assert file.closed


def test_a_text_layer_over_bytes_is_closed_with_them() -> None:
    raw = BytesIO("ä".encode())
    requests, _ = invoke_scripted(handing_over(TextIOWrapper(raw, "utf-8")), DIRECT, lambda peer: peer.answer(ACCEPTED))

    assert parse(requests[0]).body == "ä".encode()
    assert raw.closed
