"""One request over a blocking socket. What all clients do alike is in test_response.py."""

from contextlib import suppress

import pytest

from lambda_streamify import client
from lambda_streamify.client._connection import Connection
from lambda_streamify.client._request import Request
from lambda_streamify.errors import NoResponse, StreamCut
from raw_server import RawServer, chunk, chunked_head, raw_server, response
from tls_server import tls_server
from waiting import TIMEOUT_S


def connect(url: str, **options: object) -> Connection:
    return Connection(Request(url, **options), "", {}, timeout=TIMEOUT_S, context=None)  # type: ignore[arg-type]


def test_silence_within_a_response_is_a_cut() -> None:
    with raw_server([chunked_head() + chunk(b"one"), RawServer.HOLD]) as server:
        connection = connect(server.url)
        assert connection.read() == b"one"
        server.release()
        connection._socket.settimeout(0.01)  # noqa: SLF001 - only now: a busy machine may take long for what came before
        with pytest.raises(StreamCut, match="the response was cut: nothing came for"):
            connection.read()
        connection.close()


@pytest.mark.parametrize("answer", [response(b"one"), response(b"one")[:-1]], ids=["complete", "cut"])
def test_a_response_that_is_read_to_its_end_leaves_no_connection_open(answer: bytes) -> None:
    """The server's thread ends only when the client has hung up, and an open socket warns when it is collected."""
    with raw_server([answer, RawServer.HOLD] if answer.endswith(b"e") else [answer]) as server:
        server.release()
        with suppress(StreamCut):
            assert client.stream(server.url, timeout=TIMEOUT_S).read() == b"one"


def test_a_server_that_refuses_a_body_before_it_has_read_it_is_understood() -> None:
    """So much does not fit into the buffers of the kernel."""
    with raw_server([response(b"too large", status="413 Payload Too Large")]) as server:
        connection = connect(server.url, content=b"x" * 8_000_000)
        assert (connection.head.status, connection.read(), connection.read()) == (413, b"too large", b"")
        connection.close()


def test_a_host_that_no_name_server_can_know_is_no_response() -> None:
    with pytest.raises(NoResponse, match="did not answer: "):
        connect(f"http://{'x' * 64}.invalid/")


def test_the_certificate_of_a_server_is_verified() -> None:
    with tls_server(response(b"secret")) as (url, trusting):
        with pytest.raises(NoResponse, match="certificate verify failed"):
            client.stream(url, timeout=TIMEOUT_S)
        with client.stream(url, timeout=TIMEOUT_S, context=trusting) as opened:
            assert opened.read() == b"secret"


def test_a_response_that_is_cut_within_tls_is_cut() -> None:
    with (
        tls_server(response(b"secret")[:-1]) as (url, trusting),
        client.stream(url, timeout=TIMEOUT_S, context=trusting) as opened,
        pytest.raises(StreamCut),
    ):
        opened.read()
