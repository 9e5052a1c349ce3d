import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socket import create_server

import pytest

from lambda_streamify_emulator.invocations.lockstep import Steps
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE as WITH_PRELUDE
from lambda_streamify_emulator.lambda_api.eventstream import CONTENT_TYPE, invoke_complete, payload_chunk
from lambda_streamify_emulator.testing.client import Exchange, Invocation, OpenStream
from lambda_streamify_emulator.testing.result import StreamResult

CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nSet-Cookie: a=1\r\nVary: x\r\nVary: y\r\n"
CHUNKED += b"Transfer-Encoding: chunked\r\n\r\n"


@contextmanager
def serving(answer: bytes) -> Iterator[str]:
    """Yield the address of a server that answers one request and closes the connection."""
    with create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host, port = listener.getsockname()
        yield f"http://{host}:{port}/"
        thread.join()


def ask(answer: bytes) -> StreamResult:
    with serving(answer) as address:
        exchange = Exchange(address)
        exchange.send("GET", "/", {}, None)
        with OpenStream("chat", exchange, Steps(), 0.0, lambda: 1.5) as stream:
            return stream.result()


def test_a_response_of_no_function_is_read_as_it_arrives() -> None:
    result = ask(CHUNKED + b"3\r\nabc\r\n0\r\n\r\n")

    assert (result.framing, result.chunks, result.error) == ("client", [b"abc"], None)
    assert result.headers == {"content-type": "text/plain", "vary": "x, y", "transfer-encoding": "chunked"}
    assert result.cookies == ["a=1"]
    assert [event.time for event in result.recording()] == [1_500_000] * 3


def test_a_connection_that_breaks_is_an_error_after_the_chunks() -> None:
    result = ask(CHUNKED + b"3\r\nabc\r\n5\r\nde")

    assert result.body.startswith(b"abc")
    assert result.error is not None
    assert result.error.type == "IncompleteRead"
    assert result.recording()[-1].data["reason"] == "disconnect"


def test_payloads_are_the_body_of_an_invocation() -> None:
    body = payload_chunk(b"abc") + payload_chunk(b"") + payload_chunk(b"de") + invoke_complete(None)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    with serving(head.encode() + body) as address:
        invocation = Invocation(address)
        invocation.invoke("chat", b"{}")
        with OpenStream("chat", invocation, Steps(), 0.0) as stream:
            assert next(stream) == b"abc"
            assert (stream.status_code, stream.headers, stream.cookies, stream.is_over) == (200, {}, [], False)
            assert stream.read() == b"de"
            assert stream.is_over
            assert list(stream) == []


def test_a_refused_invocation_is_an_error() -> None:
    body = b'{"Message": "no such function"}'
    head = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body)
    with serving(head + body) as address, pytest.raises(ValueError, match="chat cannot be invoked: no such function"):
        Invocation(address).invoke("chat", b"{}")


@pytest.mark.parametrize("text", [b"no prelude", b'["no"]' + bytes(8) + b"abc"])
def test_an_invalid_prelude_is_part_of_the_body(text: bytes) -> None:
    from lambda_streamify_emulator.invocations.invocation import Invocation as Invoked

    body = payload_chunk(text) + invoke_complete(None)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    steps = Steps()
    steps.invocation = Invoked(b"{}")
    steps.invocation.channel.content_type = WITH_PRELUDE
    with serving(head.encode() + body) as address:
        invocation = Invocation(address)
        invocation.invoke("chat", b"{}")
        with OpenStream("chat", invocation, steps, 0.0) as stream:
            assert stream.read() == text
