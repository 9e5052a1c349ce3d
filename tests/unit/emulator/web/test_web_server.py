import asyncio
import logging
import socket
from http.client import HTTPConnection, HTTPResponse

import pytest

from asynchronous import run
from lambda_streamify_emulator.errors import AddressError
from lambda_streamify_emulator.web.asgi import App, Receive, Scope, Send, respond
from lambda_streamify_emulator.web.web_server import WebServer, listen


def saying(text: str) -> App:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        await respond(send, 200, [("x-client", scope["client"][0])], text.encode() + scope["raw_path"])

    return app


def get(port: int, path: str = "/", **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers=headers)
    response = connection.getresponse()
    response.body = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def test_connections_send_each_piece_at_once_and_wait_for_no_acknowledgement() -> None:
    with (
        listen("127.0.0.1", 0, "a test") as listening,
        socket.create_connection(listening.getsockname()),
    ):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_which_application_answers_depends_on_the_port() -> None:
    async def main() -> None:
        sockets = [listen("127.0.0.1", 0, "a test") for _ in range(3)]
        ports = [listening.getsockname()[1] for listening in sockets]
        server = WebServer({listening: saying(str(number)) for number, listening in enumerate(sockets)})
        await server.start()
        answers = [await asyncio.to_thread(get, port, "/a%2Fb/../c") for port in ports]
        await server.stop()

        assert [answer.body for answer in answers] == [  # type: ignore[attr-defined]
            b"0/a%2Fb/../c",
            b"1/a%2Fb/../c",
            b"2/a%2Fb/../c",
        ]
        for port in ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port))

    run(main())


def test_clients_cannot_forge_their_address_and_the_server_does_not_identify_itself() -> None:
    async def main() -> None:
        listening = listen("127.0.0.1", 0, "a test")
        server = WebServer({listening: saying("")})
        await server.start()
        headers = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https"}
        answer = await asyncio.to_thread(get, listening.getsockname()[1], **headers)
        await server.stop()

        assert answer.headers["x-client"] == "127.0.0.1"
        assert "server" not in answer.headers

    run(main())


def test_stopping_does_not_wait_for_a_response_that_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    async def main() -> None:
        begun = asyncio.Event()

        async def endless(_: Scope, __: Receive, send: Send) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"first", "more_body": True})
            begun.set()
            await asyncio.Event().wait()

        listening = listen("127.0.0.1", 0, "a test")
        server = WebServer({listening: endless})
        await server.start()
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await begun.wait()
        await server.stop()
        received = await reader.read()
        writer.close()

        assert received.endswith(b"5\r\nfirst\r\n")

    run(main())


@pytest.mark.parametrize(
    ("head", "status"), [("Host: x\r\nConnection: Upgrade\r\nUpgrade: h2c", b"200"), ("Host: ü", b"200"), ("?", b"400")]
)
def test_mistakes_of_clients_are_not_logged(head: str, status: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        listening = listen("127.0.0.1", 0, "a test")
        server = WebServer({listening: saying("")})
        await server.start()
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        writer.write(f"GET / HTTP/1.1\r\n{head}\r\n\r\n".encode())
        assert (await reader.readuntil(b"\r\n")).split()[1] == status
        writer.close()
        await server.stop()

    run(main())
    assert caplog.messages == []


def test_a_server_that_cannot_start_says_so_and_is_not_waited_for() -> None:
    async def main() -> None:
        listening = listen("127.0.0.1", 0, "a test")
        server = WebServer({listening: saying("")})
        listening.close()

        with pytest.raises(OSError, match="Bad file descriptor"):
            await server.start()

    run(main())


def test_a_port_in_use_is_named_with_what_it_is_for() -> None:
    with listen("127.0.0.1", 0, "a test") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressError) as raised:
            listen("127.0.0.1", port, "the URL of hello")

    assert str(raised.value) == f"port {port}, for the URL of hello, is in use: choose another with --port"


@pytest.mark.parametrize("port", [-1, 65536, 10**30])
def test_what_is_no_port_is_named(port: int) -> None:
    with pytest.raises(AddressError) as raised:
        listen("127.0.0.1", port, "the Lambda API")

    assert str(raised.value) == f"{port} is not a port: choose one from 1 to 65535 with --port"


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(AddressError) as raised:
        listen("192.0.2.1", 4000, "the Lambda API")

    expected = "cannot listen on 192.0.2.1:4000 for the Lambda API: Cannot assign requested address"
    assert str(raised.value) == expected
