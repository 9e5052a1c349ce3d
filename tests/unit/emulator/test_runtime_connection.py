import asyncio
from base64 import b64encode
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asynchronous import run
from lambda_streamify_emulator.channel import LIMIT
from lambda_streamify_emulator.runtime_connection import (
    ACCEPTED,
    HEAD_LIMIT,
    LINE_LIMIT,
    TRAILER_LIMIT,
    Answer,
    Call,
    RuntimeConnection,
    error_answer,
)
from runtime_peer import END, NEXT, Scene, chunk, request, response

TRAILERS = "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"
FAILURE = b"".join(
    (
        b"Lambda-Runtime-Function-Error-Type: Function.ValueError\r\n",
        b"Lambda-Runtime-Function-Error-Body: " + b64encode(b'{"errorMessage": "no"}') + b"\r\n",
    )
)


class Pipe(asyncio.Transport):
    """A transport that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.closing
        self.written += data

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = True


class Recorded(Call):
    def __init__(self, api: "Recorder", *head: object) -> None:
        self._api = api
        self._head = head
        self._body = b""

    def body(self, data: bytes) -> None:
        assert data
        self._body += data

    def done(self, trailers: dict[str, str]) -> Answer:
        self._api.requests.append((*self._head, self._body, trailers))
        return ACCEPTED


class Recorder:
    """Accepts every call, and keeps it."""

    def __init__(self) -> None:
        self.requests: list[tuple[object, ...]] = []
        self.warnings: list[str] = []

    def connected(self, connection: RuntimeConnection) -> None: ...

    def disconnected(self, connection: RuntimeConnection) -> None: ...

    def warn(self, text: str) -> None:
        self.warnings.append(text)

    def open(self, _: RuntimeConnection, method: str, path: str, headers: dict[str, str]) -> Call:
        return Recorded(self, method, path, headers)


def feed(*pieces: bytes) -> tuple[Recorder, Pipe]:
    api, pipe = Recorder(), Pipe()
    connection = RuntimeConnection(api)
    connection.connection_made(pipe)
    for piece in pieces:
        if pipe.closing:
            break
        connection.data_received(piece)
    return api, pipe


CONVERSATION = b"".join(
    (
        NEXT,
        response("abc", TRAILERS, "Content-Type: text/plain"),
        chunk(b"one"),
        chunk(bytes(range(256)) * 5),
        chunk(b"") + FAILURE + b"\r\n",
        request("POST", "init/error", body=b'{"errorMessage": "no"}'),
        request("POST", "init/error", body=b""),
        response("%C3%A9"),
        END,
    )
)
READ = [
    ("GET", "/2018-06-01/runtime/invocation/next", {"host": "x"}, b"", {}),
    (
        "POST",
        "/2018-06-01/runtime/invocation/abc/response",
        {
            "host": "x",
            "transfer-encoding": "chunked",
            "lambda-runtime-function-response-mode": "streaming",
            "trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body",
            "content-type": "text/plain",
        },
        b"one" + bytes(range(256)) * 5,
        {
            "lambda-runtime-function-error-type": "Function.ValueError",
            "lambda-runtime-function-error-body": "eyJlcnJvck1lc3NhZ2UiOiAibm8ifQ==",
        },
    ),
    (
        "POST",
        "/2018-06-01/runtime/init/error",
        {"host": "x", "content-length": "22"},
        b'{"errorMessage": "no"}',
        {},
    ),
    ("POST", "/2018-06-01/runtime/init/error", {"host": "x", "content-length": "0"}, b"", {}),
    (
        "POST",
        "/2018-06-01/runtime/invocation/%C3%A9/response",
        {"host": "x", "transfer-encoding": "chunked", "lambda-runtime-function-response-mode": "streaming"},
        b"",
        {},
    ),
]


def test_requests_are_read_whole() -> None:
    api, pipe = feed(CONVERSATION)

    assert api.requests == READ
    assert pipe.written.count(b"HTTP/1.1 202 Accepted\r\n") == len(READ)


def test_requests_are_read_byte_by_byte() -> None:
    api, pipe = feed(*(CONVERSATION[at : at + 1] for at in range(len(CONVERSATION))))

    assert api.requests == READ
    assert not pipe.closing


@given(st.sets(st.integers(0, len(CONVERSATION))))
def test_requests_are_read_however_they_are_split(cuts: set[int]) -> None:
    edges = sorted({0, *cuts, len(CONVERSATION)})

    api, _ = feed(*(CONVERSATION[start:end] for start, end in pairwise(edges)))

    assert api.requests == READ
    assert api.warnings == []


@given(st.integers(0, len(CONVERSATION)), st.binary(min_size=1), st.integers(1, 50))
@settings(max_examples=200)
def test_garbage_is_refused_or_waited_on_but_never_raises(at: int, garbage: bytes, size: int) -> None:
    data = CONVERSATION[:at] + garbage + CONVERSATION[at:]

    api, pipe = feed(*(data[start : start + size] for start in range(0, len(data), size)))

    refused = [text for text in api.warnings if text.startswith("not a request that the Runtime API understands: ")]
    assert refused == api.warnings
    assert pipe.closing == bool(refused)
    assert pipe.written.count(b" 400 Bad Request\r\n") == len(refused) <= 1


@pytest.mark.parametrize(
    "head",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n",
        b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_the_connection_closed(head: bytes) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(head)

            raw = await peer.rest()
            assert b'"errorType": "InvalidRequest"' in raw
            assert [text.partition(":")[0] for text in scene.warnings] == [
                "not a request that the Runtime API understands"
            ]

    run(main())


def test_a_head_that_does_not_end_is_refused_at_its_limit() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(b"GET / HTTP/1.1\r\nX: ")
            with suppress(ConnectionError):  # it is closed while this still writes
                for _ in range(100):
                    await peer.send(b"x" * 65536)
            await peer.rest()

            assert scene.warnings == [f"the head of a request is over {HEAD_LIMIT} bytes"]

    run(main())


def test_an_x_ray_cause_of_a_mebibyte_is_no_oversized_head() -> None:
    cause = "Lambda-Runtime-Function-XRay-Error-Cause: " + "x" * (1024 * 1024)
    data = request("POST", "init/error", cause, body=b"{}")

    api, pipe = feed(*(data[at : at + 65536] for at in range(0, len(data), 65536)))

    assert len(api.requests) == 1
    assert not pipe.closing


def trailed(size: int) -> bytes:
    """A response with a trailer section of so many bytes."""
    name = b"Lambda-Runtime-Function-Error-Body: "
    return response("abc", TRAILERS) + chunk(b"body") + chunk(b"") + name + b"x" * (size - len(name) - 2) + b"\r\n\r\n"


RESET = f"the trailers are over {TRAILER_LIMIT} bytes: Lambda resets the connection, and so it is done"


@pytest.mark.parametrize("split", [1, 7, 100_000])
def test_trailers_up_to_the_limit_are_read(split: int) -> None:
    data = trailed(TRAILER_LIMIT)

    api, pipe = feed(*(data[at : at + split] for at in range(0, len(data), split)))

    assert len(api.requests) == 1
    assert api.warnings == []
    assert not pipe.closing


@pytest.mark.parametrize("split", [1, 7, 100_000])
def test_trailers_over_the_limit_reset_the_connection(split: int) -> None:
    data = trailed(TRAILER_LIMIT + 1)

    api, pipe = feed(*(data[at : at + split] for at in range(0, len(data), split)))

    assert api.requests == []
    assert api.warnings == [RESET]
    assert pipe.closing
    assert pipe.written == b""


def test_many_small_trailers_are_counted_together_and_told_once() -> None:
    many = b"".join(b"X-%d: %b\r\n" % (number, b"x" * 100) for number in range(200))

    api, pipe = feed(response("abc") + chunk(b"") + many + b"\r\n")

    assert (api.requests, api.warnings, pipe.closing) == ([], [RESET], True)


@pytest.mark.parametrize("line", [chunk(b"") + b"X: ", b"5;extension="])
def test_a_line_that_does_not_end_is_not_kept_for_ever(line: bytes) -> None:
    api, pipe = feed(response("abc"), chunk(b"body"), line, *[b"x" * 1024] * (LINE_LIMIT // 1024 + 1))

    assert api.warnings == [RESET]
    assert pipe.closing


def test_bodies_are_not_counted_as_lines() -> None:
    data = response("abc") + chunk(b"x" * 100_000) * 2 + b"".join(chunk(b"y") for _ in range(10_000)) + END

    api, pipe = feed(*(data[at : at + 997] for at in range(0, len(data), 997)))

    assert len(api.requests) == 1
    assert not pipe.closing


def test_fields_that_come_twice_are_one_list() -> None:
    api, _ = feed(request("GET", "invocation/next", "Trailer: A", "trailer: B, C"))

    assert api.requests[0][2] == {"host": "x", "trailer": "A,B, C"}


def test_a_reset_reaches_the_runtime_as_one() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(trailed(TRAILER_LIMIT + 1).replace(b"abc", invocation.request_id.encode()))

            assert await peer.rest() in (b"RST", b"")
            assert scene.api.state == "Responding"
            assert not invocation.channel.ended

    run(main())


def test_a_slow_reader_holds_the_runtime_and_a_reader_that_goes_on_lets_it_go_on() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id))
            total = 64 * 1024 * 1024
            sending = asyncio.create_task(peer.send(b"".join((chunk(b"x" * total), END))))
            await invocation.channel.started()
            pieces = invocation.channel.pieces()
            size = len(await anext(pieces))

            # As long as nobody reads, what waits in the emulator stays what the kernel gave it in one go.
            held = -1
            while held != invocation.channel._size:  # noqa: SLF001 - nothing else shows it
                held = invocation.channel._size  # noqa: SLF001
                await asyncio.wait([sending], timeout=0.05)
            assert not sending.done()
            assert held < LIMIT + 256 * 1024

            async for piece in pieces:
                size += len(piece)
            await sending
            assert size == total
            assert (await peer.reply()).status == 202

    run(main())


def test_a_response_that_nobody_reads_any_more_does_not_hold_the_runtime() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            sending = asyncio.create_task(
                peer.send(response(invocation.request_id) + chunk(b"x" * 8 * 1024 * 1024) + END)
            )
            await invocation.channel.started()
            await anext(invocation.channel.pieces())
            invocation.channel.discard()

            assert (await peer.reply()).status == 202
            await sending
            assert invocation.channel.ended

    run(main())


def test_a_refusal_is_worded_as_the_runtime_api_words_it() -> None:
    assert error_answer(403, "InvalidStateTransition", 'a "b"') == (
        403,
        b'{"errorMessage": "a \\"b\\"", "errorType": "InvalidStateTransition"}\n',
    )
