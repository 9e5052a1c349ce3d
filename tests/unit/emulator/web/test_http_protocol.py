"""The server's connections, on raw bytes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from asynchronous import run
from lambda_streamify_emulator.web.asgi import App, Receive, Scope, Send, read_body, respond, respond_unread
from lambda_streamify_emulator.web.http_protocol import CLIENT_TIMEOUT_S, HEAD_LIMIT_BYTES, HttpProtocol
from resetting import break_off
from simulated_time import run_simulated

HOST = b"Host: x\r\n"


class Client:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def send(self, data: bytes) -> None:
        """Send these bytes."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self) -> tuple[bytes, list[bytes]]:
        """Return the status line of the next response, and its headers."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        return lines[0], lines[1:]

    async def read(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        return await self._reader.readexactly(size)

    async def rest(self) -> bytes:
        """Return everything until the server closes the connection."""
        return await self._reader.read()

    def end_side(self) -> None:
        """Stop sending, and continue to read."""
        self._writer.write_eof()

    async def leave(self) -> None:
        """Close the connection."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    def break_off(self) -> None:
        """Reset the connection, so that the server's kernel learns of it at once."""
        break_off(self._writer)


def serving(
    app: App, test: Callable[[Client], Awaitable[None]], run: Callable[[Coroutine[Any, Any, None]], None] = run
) -> None:
    """Run the test with a client of a server with this application."""

    async def main() -> None:
        config, state = uvicorn.Config(app, interface="asgi3", ws="none", log_config=None), ServerState()
        config.load()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: HttpProtocol(config, state, {}), "127.0.0.1", 0)
        client = Client(*await asyncio.open_connection(*server.sockets[0].getsockname()))
        try:
            await test(client)
        finally:
            await client.leave()
            server.close()
            await asyncio.gather(*state.tasks)

    run(main())


def gated(gate: asyncio.Event) -> App:
    """Stream two chunks, the second one when the gate opens."""

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first ", "more_body": True})
        await gate.wait()
        await send({"type": "http.response.body", "body": b"second", "more_body": False})

    return app


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await read_body(receive)
    await respond(send, 200, [], scope["raw_path"] + b" " + (body or b""))


@pytest.mark.parametrize("head", [b"", b"Connection: keep-alive\r\n"])
def test_a_stream_to_a_client_of_http_1_0_has_no_chunks_and_ends_with_its_connection(head: bytes) -> None:
    gate = asyncio.Event()

    async def test(client: Client) -> None:
        await client.send(b"GET / HTTP/1.0\r\n" + head + b"\r\n")
        assert await client.head() == (b"HTTP/1.1 200 OK", [b"connection: close"])
        assert await client.read(6) == b"first "
        gate.set()
        assert await client.rest() == b"second"

    serving(gated(gate), test)


def test_a_whole_answer_to_a_client_of_http_1_0_has_its_length() -> None:
    async def test(client: Client) -> None:
        await client.send(b"POST /a HTTP/1.0\r\nContent-Length: 4\r\n\r\nbody")
        assert (await client.head())[1] == [b"content-length: 7", b"connection: close"]
        assert await client.rest() == b"/a body"

    serving(echo, test)


def test_a_head_request_of_http_1_0_gets_no_body() -> None:
    gate = asyncio.Event()
    gate.set()

    async def test(client: Client) -> None:
        await client.send(b"HEAD / HTTP/1.0\r\n\r\n")
        assert await client.head() == (b"HTTP/1.1 200 OK", [b"connection: close"])
        assert await client.rest() == b""

    serving(gated(gate), test)


def test_a_connection_serves_request_after_request_of_every_kind() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await read_body(receive)
        status = int(scope["raw_path"][1:])
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"" if status == 204 else b"some", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def test(client: Client) -> None:
        for _ in range(3):
            await client.send(b"GET /200 HTTP/1.1\r\n" + HOST + b"\r\n")
            assert await client.head() == (b"HTTP/1.1 200 OK", [b"transfer-encoding: chunked"])
            assert await client.read(14) == b"4\r\nsome\r\n0\r\n\r\n"
            await client.send(b"HEAD /200 HTTP/1.1\r\n" + HOST + b"\r\n")
            assert await client.head() == (b"HTTP/1.1 200 OK", [])
            await client.send(b"GET /204 HTTP/1.1\r\n" + HOST + b"\r\n")
            assert await client.head() == (b"HTTP/1.1 204 No Content", [])
            await client.send(
                b"POST /404 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\n1\r\nx\r\n0\r\n\r\n"
            )
            assert await client.head() == (b"HTTP/1.1 404 Not Found", [b"transfer-encoding: chunked"])
            assert await client.read(14) == b"4\r\nsome\r\n0\r\n\r\n"

    serving(app, test)


def test_requests_that_come_at_once_are_answered_one_after_the_other() -> None:
    gate = asyncio.Event()
    come = asyncio.Event()
    begun: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["raw_path"])
        if scope["raw_path"] == b"/1":
            come.set()
            await gate.wait()
        await echo(scope, receive, send)

    async def test(client: Client) -> None:
        bodies = [b"POST /%d HTTP/1.1\r\n%bContent-Length: 1\r\n\r\n%d" % (n, HOST, n) for n in (1, 2, 3)]
        await client.send(b"".join(bodies))
        await come.wait()
        assert begun == [b"/1"]
        gate.set()
        answers = []
        for _ in range(3):
            assert (await client.head())[1] == [b"content-length: 4"]
            answers.append(await client.read(4))

        assert answers == [b"/1 1", b"/2 2", b"/3 3"]
        assert begun == [b"/1", b"/2", b"/3"]

    serving(app, test)


def test_an_answer_runs_on_unread_when_its_client_has_left_and_the_requests_behind_it_are_forgotten(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = asyncio.Event()
    ended = asyncio.Event()
    begun: list[bytes] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        begun.append(scope["raw_path"])
        await read_body(receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await receive())["type"] != "http.disconnect":
            pass
        told.set()
        for _ in range(100):
            await send({"type": "http.response.body", "body": b"unread", "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        ended.set()

    async def test(client: Client) -> None:
        await client.send((b"GET /1 HTTP/1.1\r\n" + HOST + b"\r\n") + (b"GET /2 HTTP/1.1\r\n" + HOST + b"\r\n"))
        await client.head()
        client.break_off()
        await told.wait()
        await ended.wait()

    with caplog.at_level(logging.WARNING):
        serving(app, test)

    assert begun == [b"/1"]
    assert caplog.messages == []


def refusing(_: Scope, receive: Receive, send: Send) -> Awaitable[None]:
    """Answer without reading."""
    return respond_unread(receive, send, 413, [], b"too large")


REFUSED = [b"content-length: 9", b"connection: close"]


def test_a_refused_client_does_not_get_100_continue() -> None:
    async def test(client: Client) -> None:
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        status, headers = await client.head()
        assert (status[:12], headers) == (b"HTTP/1.1 413", REFUSED)
        assert await client.read(9) == b"too large"

    serving(refusing, test)


def test_100_continue_is_sent_when_the_body_is_read() -> None:
    async def test(client: Client) -> None:
        await client.send(b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert await client.head() == (b"HTTP/1.1 100 Continue", [])
        await client.send(b"body")
        assert (await client.head())[0] == b"HTTP/1.1 200 OK"
        assert await client.read(7) == b"/a body"

    serving(echo, test)


@pytest.mark.parametrize("head", [b"HTTP/1.1\r\nHost: x\r\n", b"HTTP/1.1\r\nConnection: close\r\n", b"HTTP/1.0\r\n"])
def test_a_client_that_sends_all_of_its_request_before_it_reads_gets_the_refusal_and_then_the_end(head: bytes) -> None:
    size = 20_000_000  # more than what kernels hold for a connection

    async def test(client: Client) -> None:
        await client.send(b"POST / " + head + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(20):
            await client.send(bytes(size // 20))
        status, headers = await client.head()
        assert (status[:12], headers) == (b"HTTP/1.1 413", REFUSED)
        assert await client.rest() == b"too large"

    serving(refusing, test)


# What Java's HttpClient sends with its first request to a server whose protocol it does not know.
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n"
BODIES = [
    (b"Content-Length: 4\r\n", b"body"),
    (b"Transfer-Encoding: chunked\r\n", b"4\r\nbody\r\n0\r\n\r\n"),
    (b"", b""),
]


@pytest.mark.parametrize(("framing", "body"), BODIES)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_request_that_asks_for_another_protocol_is_served_in_this_one_and_so_are_those_behind_it(
    framing: bytes, body: bytes, size: int
) -> None:
    async def test(client: Client) -> None:
        request = b"POST /%d HTTP/1.1\r\n" + HOST + UPGRADE + framing + b"\r\n" + body
        data = request % 1 + b"GET /plain HTTP/1.1\r\n" + HOST + b"\r\n" + request % 2
        for start in range(0, len(data), size):
            await client.send(data[start : start + size])
        for expected in (b"/1 " + (b"body" if body else b""), b"/plain ", b"/2 " + (b"body" if body else b"")):
            assert await client.head() == (b"HTTP/1.1 200 OK", [b"content-length: %d" % len(expected)])
            assert await client.read(len(expected)) == expected

    serving(echo, test)


def test_hundreds_of_requests_that_ask_for_another_protocol_are_answered_when_they_come_at_once() -> None:
    async def test(client: Client) -> None:
        await client.send(b"".join(b"GET /%d HTTP/1.1\r\n" % n + HOST + UPGRADE + b"\r\n" for n in range(600)))
        for number in range(600):
            expected = b"/%d " % number
            assert await client.head() == (b"HTTP/1.1 200 OK", [b"content-length: %d" % len(expected)])
            assert await client.read(len(expected)) == expected

    serving(echo, test)


# --- limits ----------------------------------------------------------------------------------------------------------

TOO_LARGE = b"Request header fields must be smaller than 65536 bytes"


async def refused(client: Client, status: bytes = b"431", message: bytes = TOO_LARGE) -> bool:
    """Return whether the next response is a refusal, and the last one."""
    line, headers = await client.head()
    length = b"content-length: %d" % len(message)
    expected = [b"content-type: text/plain; charset=utf-8", length, b"connection: close"]
    return line.split()[1] == status and headers == expected and await client.read(len(message)) == message


@pytest.mark.parametrize(
    "start",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        b"GET / HTTP/1.1\r\nHost: x\r\nX",
        b"GET /",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX: ",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;",
    ],
)
def test_endless_data_is_refused_and_discarded(start: bytes) -> None:
    async def test(client: Client) -> None:
        await client.send(start)
        for _ in range(320):
            await client.send(b"x" * 64 * 1024)  # 20 MB: more than what kernels hold for a connection
        assert await refused(client)

    serving(echo, test)


@pytest.mark.parametrize("count", [1, 100])
def test_a_head_may_have_64_kib_and_not_a_byte_more(count: int) -> None:
    async def test(client: Client) -> None:
        for more in (0, 1):
            rest = HEAD_LIMIT_BYTES - len(b"/Host: x\r\n") + more
            headers = [b"x: " + b"x" * (rest // count - 5) for _ in range(count)]
            headers[0] += b"x" * (rest % count)
            await client.send(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"\r\n".join(headers) + b"\r\n\r\n")
            if not more:
                assert (await client.head())[0] == b"HTTP/1.1 200 OK"
                assert await client.read(2) == b"/ "
        assert await refused(client)

    serving(echo, test)


@pytest.mark.parametrize(
    ("bad", "status", "message"),
    [(b"?\r\n\r\n", b"400", b"Invalid HTTP request received."), (b"GET /" + b"x" * 300_000, b"431", TOO_LARGE)],
)
def test_what_is_refused_gets_its_answer_behind_those_of_the_requests_before_it(
    bad: bytes, status: bytes, message: bytes
) -> None:
    gate = asyncio.Event()

    async def test(client: Client) -> None:
        await client.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        await client.head()
        assert await client.read(len(b"6\r\nfirst \r\n")) == b"6\r\nfirst \r\n"
        await client.send(bad)
        gate.set()
        assert await client.read(len(b"6\r\nsecond\r\n0\r\n\r\n")) == b"6\r\nsecond\r\n0\r\n\r\n"
        assert await refused(client, status, message)

    serving(gated(gate), test)


def test_an_invalid_body_after_the_start_of_the_response_closes_the_connection() -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        assert await read_body(receive) is None

    async def test(client: Client) -> None:
        await client.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + HOST + b"\r\n")
        await client.head()
        await client.send(b"no chunk\r\n")
        assert await client.rest() == b""

    serving(app, test)


def test_a_client_that_closes_its_side_after_its_requests_gets_all_responses() -> None:
    gate = asyncio.Event()

    async def test(client: Client) -> None:
        await client.send((b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 2)
        client.end_side()
        await client.head()
        gate.set()
        body = b"6\r\nfirst \r\n6\r\nsecond\r\n0\r\n\r\n"
        assert await client.read(len(body)) == body
        await client.head()
        assert await client.rest() == body

    serving(gated(gate), test)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo"])
def test_a_client_that_closes_its_side_within_a_request_is_disconnected(sent: bytes) -> None:
    async def test(client: Client) -> None:
        await client.send(sent)
        client.end_side()
        assert await client.rest() == b""

    serving(echo, test)


def test_a_half_closed_client_that_is_gone_is_detected_without_sending_data() -> None:
    begun, told = asyncio.Event(), asyncio.Event()

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        await read_body(receive)
        begun.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        told.set()

    async def test(client: Client) -> None:
        await client.send(b"GET / HTTP/1.1\r\n" + HOST + b"\r\n")
        client.end_side()
        await begun.wait()
        client.break_off()
        await told.wait()

    serving(app, test, run_simulated)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\r\n",
        b"GET / HTTP/1.1\r\nHost: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbo",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP",
    ],
)
def test_a_connection_whose_client_says_nothing_ends(sent: bytes) -> None:
    async def test(client: Client) -> None:
        await client.send(sent)
        if sent.count(b"GET") == 2:
            await client.head()
            assert await client.read(2) == b"/ "
        assert await client.rest() == b""

    serving(echo, test, run_simulated)


def test_a_client_that_sends_its_body_slowly_or_waits_long_for_its_answer_is_served() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(600)
        await echo(scope, receive, send)

    async def test(client: Client) -> None:
        size = 300_000  # more than is read before the application asks for it
        await client.send(b"POST /a HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size)
        for _ in range(10):
            await asyncio.sleep(50)
            await client.send(bytes(size // 10))
        await client.head()
        assert await client.read(3) == b"/a "
        assert await client.read(size) == bytes(size)

    serving(slow, test, run_simulated)


def test_a_head_that_comes_byte_by_byte_must_be_complete_in_time() -> None:
    async def test(client: Client) -> None:
        for byte in b"GET / HTTP/1.1\r\nX: ":
            await client.send(bytes([byte]))
            await asyncio.sleep(3)
        assert await client.rest() == b""
        assert asyncio.get_running_loop().time() == CLIENT_TIMEOUT_S

    serving(echo, test, run_simulated)


def test_no_more_is_read_while_many_requests_wait_in_line() -> None:
    held, gate = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["raw_path"] == b"/0000100":
            held.set()
            await gate.wait()
        await echo(scope, receive, send)

    asked = b"GET /%07d HTTP/1.1\r\n" + HOST + b"\r\n"
    count = 20_000_000 // len(asked % 0)

    async def test(client: Client) -> None:
        sending = asyncio.create_task(client.send(b"".join(asked % number for number in range(count))))
        await held.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        assert not sending.done()  # 20 MB are more than what kernels hold for a connection
        client.break_off()
        gate.set()
        with suppress(ConnectionError):
            await sending

    serving(app, test)
