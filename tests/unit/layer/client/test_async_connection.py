"""One request over a connection of asyncio. What all clients do alike is in test_response.py."""

import pytest

from asynchronous import run
from lambda_streamify import client
from lambda_streamify.client._async_connection import AsyncConnection
from lambda_streamify.client._request import Request
from lambda_streamify.errors import NoResponse, StreamCut
from raw_server import RawServer, chunk, chunked_head, raw_server, response
from tls_server import tls_server
from waiting import TIMEOUT_S


async def connect(url: str, **options: object) -> AsyncConnection:
    request = Request(url, **options)  # type: ignore[arg-type]
    return await AsyncConnection.open(request, "", {}, timeout=TIMEOUT_S, context=None)


def test_silence_within_a_response_is_a_cut() -> None:
    async def main() -> None:
        connection = await connect(server.url)
        assert await connection.read() == b"one"
        server.release()
        connection._timeout = 0.01  # noqa: SLF001 - only now: a busy machine may take long for what came before
        with pytest.raises(StreamCut, match="the response was cut: nothing came for"):
            await connection.read()
        await connection.close()

    with raw_server([chunked_head() + chunk(b"one"), RawServer.HOLD]) as server:
        run(main())


def test_a_large_body_is_sent() -> None:
    async def main() -> None:
        connection = await connect(server.url, content=b"x" * 8_000_000)
        assert (await connection.read(), await connection.read()) == (b"one", b"")
        await connection.close()

    with raw_server([response(b"one")]) as server:
        run(main())
        assert len(server.requests[0]) > 8_000_000


def test_a_host_that_no_name_server_can_know_is_no_response() -> None:
    async def main() -> None:
        with pytest.raises(NoResponse, match="did not answer: "):
            await connect(f"http://{'x' * 64}.invalid/")

    run(main())


def test_the_certificate_of_a_server_is_verified() -> None:
    async def main() -> None:
        with pytest.raises(NoResponse, match="certificate verify failed"):
            async with client.astream(url, timeout=TIMEOUT_S):
                pass
        async with client.astream(url, timeout=TIMEOUT_S, context=trusting) as opened:
            assert await opened.read() == b"secret"

    with tls_server(response(b"secret")) as (url, trusting):
        run(main())


def test_a_response_that_is_cut_within_tls_is_cut() -> None:
    async def main() -> None:
        async with client.astream(url, timeout=TIMEOUT_S, context=trusting) as opened:
            with pytest.raises(StreamCut):
                await opened.read()

    with tls_server(response(b"secret")[:-1]) as (url, trusting):
        run(main())
