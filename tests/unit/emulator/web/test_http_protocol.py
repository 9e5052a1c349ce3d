"""The server's connections, on raw bytes."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
import uvicorn
from uvicorn.server import ServerState

from asynchronous import run
from lambda_streamify_emulator.web.asgi import App, Receive, Scope, Send, read_body, respond, respond_unread
from lambda_streamify_emulator.web.http_protocol import HttpProtocol

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
        """Give the status line of the next answer, and its headers."""
        lines = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[:-2]
        return lines[0], lines[1:]

    async def read(self, size: int) -> bytes:
        """Give so many bytes."""
        return await self._reader.readexactly(size)

    async def rest(self) -> bytes:
        """Give what comes until the server closes the connection."""
        return await self._reader.read()

    async def leave(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()


def serving(app: App, test: Callable[[Client], Awaitable[None]]) -> None:
    """Run the test with a client of a server that has this application."""

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


def test_a_client_of_http_1_0_that_asks_for_a_head_gets_no_more() -> None:
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
        await client.leave()
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


def test_a_client_that_asks_whether_to_go_on_is_refused_without_being_asked_for_more() -> None:
    async def test(client: Client) -> None:
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n")
        status, headers = await client.head()
        assert (status[:12], headers) == (b"HTTP/1.1 413", REFUSED)
        assert await client.read(9) == b"too large"

    serving(refusing, test)


def test_a_client_that_asks_whether_to_go_on_is_asked_for_the_rest_if_it_is_read() -> None:
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
