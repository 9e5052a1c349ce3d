import asyncio
import socket
import struct
from asyncio import AbstractEventLoop, run
from collections.abc import Awaitable, Callable, Iterator
from itertools import product

import pytest

from lambda_streamify._wire.framing import COPY_LIMIT_BYTES
from lambda_streamify._wire.response_stream import ResponseStream
from lambda_streamify.errors import ConnectionLost, RequestRefused, StreamStateError
from scripted_api import WAIT

HEAD = b"POST / HTTP/1.1\r\n\r\n"
LARGE = bytes(range(256)) * 16384  # 4 MiB, more than the buffers of `pipe`

Sockets = tuple[socket.socket, socket.socket]


def connected(kind: socket.SocketKind) -> Iterator[Sockets]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    with ours, theirs:
        # The kernel's own timeouts: the sockets block as in the runtime, but no test waits for ever.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(WAIT), 0))
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(WAIT), 0))
        yield ours, theirs


@pytest.fixture
def pipe() -> Iterator[Sockets]:
    """The runtime's socket and the reader's."""
    yield from connected(socket.SOCK_STREAM)


@pytest.fixture
def packets() -> Iterator[Sockets]:
    """The same as `pipe`, but each receive returns the bytes of one send."""
    yield from connected(socket.SOCK_SEQPACKET)


class Answer:
    """Stands for the function that reads the Runtime API's answer."""

    def __init__(self, error: Exception | None = None) -> None:
        self.read = 0
        self._error = error

    def __call__(self, _flags: int = 0) -> bool:
        self.read += 1
        if self._error is not None:
            raise self._error
        return True


def opened(connection: socket.socket, answer: Callable[..., bool] | None = None) -> ResponseStream:
    stream = ResponseStream(connection, HEAD, answer or Answer())
    stream.open()
    return stream


def frame(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def read_all(theirs: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += theirs.recv(size - len(data))
    return data


# --- order -----------------------------------------------------------------------------------------------------------

STEPS: dict[str, Callable[[ResponseStream, AbstractEventLoop], object]] = {
    "open": lambda stream, _: stream.open(),
    "open_async": lambda stream, loop: loop.run_until_complete(stream.open_async(loop)),
    "write": lambda stream, _: stream.write(b"x"),
    "write_nowait": lambda stream, _: stream.write_nowait(b"x"),
    "end": lambda stream, _: stream.end(),
    "trailers": lambda stream, _: stream.end(b"0\r\nX: y\r\n\r\n"),
}
STATES: dict[str, tuple[str, ...]] = {
    "pending": (),
    "open": ("open",),
    "done": ("open", "end"),
    "failed": ("open", "trailers"),
}
LEGAL = {
    ("pending", "open"),
    ("pending", "open_async"),
    ("open", "write"),
    ("open", "write_nowait"),
    ("open", "end"),
    ("open", "trailers"),
}


@pytest.mark.parametrize(("state", "step"), list(product(STATES, STEPS)))
def test_a_step_that_the_table_forbids_sends_nothing(state: str, step: str, packets: Sockets) -> None:
    ours, theirs = packets
    loop = asyncio.new_event_loop()
    try:
        stream = ResponseStream(ours, HEAD, Answer())
        for name in STATES[state]:
            STEPS[name](stream, loop)
            theirs.recv(1000)
        assert stream.state == state
        if (state, step) in LEGAL:
            STEPS[step](stream, loop)
            assert theirs.recv(1000)
        else:
            with pytest.raises(StreamStateError, match=f"^a response stream that is {state} does not allow "):
                STEPS[step](stream, loop)
            with pytest.raises(BlockingIOError):
                theirs.recv(1000, socket.MSG_DONTWAIT)
            assert stream.state == state
    finally:
        loop.close()


# --- what is sent ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "first", "body"),
    [
        (b"", b"", b""),
        (b"prelude", b"", b"7\r\nprelude\r\n"),
        (b"", b"first", b"5\r\nfirst\r\n"),
        (b"prelude", b"first", b"7\r\nprelude\r\n5\r\nfirst\r\n"),
        (b"prelude", b"x" * 20_000, b"7\r\nprelude\r\n4e20\r\n" + b"x" * 20_000 + b"\r\n"),
    ],
)
def test_head_prelude_and_first_chunk_take_one_send(start: bytes, first: bytes, body: bytes, packets: Sockets) -> None:
    ours, theirs = packets

    ResponseStream(ours, HEAD, Answer()).open(start, first)
    assert theirs.recv(100_000) == HEAD + body

    async def open_async() -> None:
        await ResponseStream(ours, HEAD, Answer()).open_async(asyncio.get_running_loop(), start, first)

    run(open_async())
    assert theirs.recv(100_000) == HEAD + body


@pytest.mark.parametrize("size", [1, 15, 16, COPY_LIMIT_BYTES, COPY_LIMIT_BYTES + 1, 20_000])
@pytest.mark.parametrize("make", [bytes, bytearray, lambda data: memoryview(bytearray(data))])
def test_each_chunk_is_sent_at_once_in_one_send(size: int, make: Callable[[bytes], bytes], packets: Sockets) -> None:
    ours, theirs = packets
    stream = opened(ours)
    theirs.recv(1000)
    data = make(b"x" * size)

    stream.write(data)
    assert theirs.recv(100_000) == frame(b"x" * size)

    assert stream.write_nowait(data)
    assert theirs.recv(100_000) == frame(b"x" * size)


def test_the_end_is_the_empty_chunk_and_then_the_answer_is_read(packets: Sockets) -> None:
    ours, theirs = packets
    seen: list[bytes] = []

    def answer() -> bool:
        seen.append(theirs.recv(1000))
        return True

    stream = opened(ours, answer)
    theirs.recv(1000)

    stream.end()

    assert (seen, stream.state) == ([b"0\r\n\r\n"], "done")


def test_an_end_with_trailers_is_the_trailers(packets: Sockets) -> None:
    ours, theirs = packets
    stream = opened(ours, answer := Answer())
    theirs.recv(1000)

    stream.end(b"0\r\nX: y\r\n\r\n")

    assert theirs.recv(1000) == b"0\r\nX: y\r\n\r\n"
    assert (answer.read, stream.state) == (1, "failed")


# --- a slow reader ---------------------------------------------------------------------------------------------------


async def received(theirs: socket.socket, size: int) -> bytes:
    """Read in the event loop that writes the stream, which only works if the writer does not block it."""
    theirs.settimeout(0)
    loop, data = asyncio.get_running_loop(), b""
    while len(data) < size:
        data += await loop.sock_recv(theirs, min(65536, size - len(data)))
    return data


async def writes_open(stream: ResponseStream, loop: AbstractEventLoop) -> None:
    await stream.open_async(loop, b"", LARGE)


async def writes_large(stream: ResponseStream, loop: AbstractEventLoop) -> None:
    await stream.open_async(loop)
    assert not stream.write_nowait(LARGE)
    await stream.drain(loop)


async def writes_small(stream: ResponseStream, loop: AbstractEventLoop) -> None:
    await stream.open_async(loop)
    for start in range(0, len(LARGE), 4096):
        if not stream.write_nowait(LARGE[start : start + 4096]):
            await stream.drain(loop)


def body_of(data: bytes) -> bytes:
    """Decode a chunked body, independently of the encoder."""
    body = b""
    while data:
        size, _, rest = data.partition(b"\r\n")
        length = int(size, 16)
        assert rest[length : length + 2] == b"\r\n"
        body, data = body + rest[:length], rest[length + 2 :]
    return body


Writes = Callable[[ResponseStream, AbstractEventLoop], Awaitable[None]]


@pytest.mark.parametrize(
    ("writes", "frames"), [(writes_open, 1), (writes_large, 1), (writes_small, len(LARGE) // 4096)]
)
def test_a_full_socket_suspends_the_writer_and_not_the_event_loop(writes: Writes, frames: int, pipe: Sockets) -> None:
    ours, theirs = pipe
    size = len(HEAD) + len(LARGE) + frames * (len("1000\r\n\r\n") if frames > 1 else len("400000\r\n\r\n"))

    async def write_and_read() -> bytes:
        stream = ResponseStream(ours, HEAD, Answer())
        writing = asyncio.ensure_future(writes(stream, asyncio.get_running_loop()))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not writing.done()
        data = await asyncio.wait_for(received(theirs, size), WAIT)
        await asyncio.wait_for(writing, WAIT)
        return data

    data = run(write_and_read())

    assert data.startswith(HEAD)
    assert body_of(data[len(HEAD) :]) == LARGE


@pytest.mark.parametrize("writes", [writes_open, writes_large])
def test_a_writer_cancelled_in_the_middle_of_a_chunk_still_finishes_it(writes: Writes, pipe: Sockets) -> None:
    ours, theirs = pipe
    trailers = b"0\r\nX: y\r\n\r\n"
    expected = HEAD + frame(LARGE) + trailers

    async def cancelled() -> bytes:
        stream = ResponseStream(ours, HEAD, Answer())
        writing = asyncio.ensure_future(writes(stream, asyncio.get_running_loop()))
        for _ in range(10):
            await asyncio.sleep(0)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        reading = asyncio.to_thread(read_all, theirs, len(expected))
        return (await asyncio.gather(asyncio.to_thread(stream.end, trailers), reading))[1]

    assert run(cancelled()) == expected


def test_a_socket_that_becomes_ready_as_the_writer_is_cancelled_is_no_error(pipe: Sockets) -> None:
    ours, theirs = pipe
    errors: list[object] = []

    async def cancelled() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        writing = asyncio.ensure_future(writes_large(ResponseStream(ours, HEAD, Answer()), loop))
        for _ in range(10):
            await asyncio.sleep(0)
        theirs.recv(len(LARGE))
        loop.call_soon(
            writing.cancel
        )  # it runs before the callbacks of the sockets that became ready in the same iteration
        with pytest.raises(asyncio.CancelledError):
            await writing

    run(cancelled())

    assert errors == []


# --- refused responses -----------------------------------------------------------------------------------------------


async def drains(stream: ResponseStream, theirs: socket.socket) -> None:
    """Fill the socket, then lose the reader while waiting for it to become writable."""
    loop = asyncio.get_running_loop()
    assert not stream.write_nowait(LARGE)
    draining = asyncio.ensure_future(stream.drain(loop))
    for _ in range(10):
        await asyncio.sleep(0)
    theirs.close()
    await asyncio.wait_for(draining, WAIT)


def after_close(step: Callable[[ResponseStream], object]) -> Callable[[ResponseStream, socket.socket], object]:
    def act(stream: ResponseStream, theirs: socket.socket) -> None:
        theirs.close()
        step(stream)

    return act


async def opens(stream: ResponseStream) -> None:
    await stream.open_async(asyncio.get_running_loop())


WITHOUT_READER: dict[str, Callable[[ResponseStream, socket.socket], object]] = {
    "open": after_close(lambda stream: stream.open()),
    "open_async": after_close(lambda stream: run(opens(stream))),
    "write a small chunk": after_close(lambda stream: stream.write(b"x")),
    "write a large chunk": after_close(lambda stream: stream.write(LARGE)),
    "write_nowait a small chunk": after_close(lambda stream: stream.write_nowait(b"x")),
    "write_nowait a large chunk": after_close(lambda stream: stream.write_nowait(LARGE)),
    "drain": lambda stream, theirs: run(drains(stream, theirs)),
    "end": after_close(lambda stream: stream.end()),
    "end with trailers": after_close(lambda stream: stream.end(b"0\r\nX: y\r\n\r\n")),
}


@pytest.mark.parametrize("step", WITHOUT_READER)
@pytest.mark.parametrize("refusal", [None, RequestRefused("response", 413, b"")])
def test_a_write_that_fails_raises_what_the_answer_says(step: str, refusal: Exception | None, pipe: Sockets) -> None:
    ours, theirs = pipe
    answer = Answer(refusal)
    stream = ResponseStream(ours, HEAD, answer)
    if not step.startswith("open"):
        stream.open()

    with pytest.raises(RequestRefused if refusal else ConnectionLost) as raised:
        WITHOUT_READER[step](stream, theirs)

    assert (answer.read, stream.state) == (1, "failed")
    if refusal is None:
        assert str(raised.value).startswith("the Runtime API stopped reading the response: ")
        assert isinstance(raised.value.__cause__, OSError)
