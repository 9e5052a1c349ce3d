"""What only the asynchronous response has; the rest is in test_response.py, for every way."""

import asyncio

import pytest

from asynchronous import run
from lambda_streamify import client
from lambda_streamify.errors import StreamStateError
from raw_server import RawServer, chunk, chunked_head, raw_server, response
from waiting import TIMEOUT_S


def test_nothing_is_sent_before_the_block_begins() -> None:
    async def main() -> None:
        opening = client.astream("http://127.0.0.1:1/")
        for read in (opening.read, opening.raise_for_status, opening.lines().__anext__, opening.rows().__anext__):
            with pytest.raises(StreamStateError, match="the request is not sent yet"):
                await read()
        await opening.close()

    run(main())


def test_a_response_that_is_closed_is_not_read() -> None:
    async def main() -> None:
        async with client.astream(server.url, timeout=TIMEOUT_S) as opened:
            assert await opened.raise_for_status() is opened
        with pytest.raises(StreamStateError, match="the response is closed"):
            await opened.read()

    with raw_server([response(b"one")]) as server:
        run(main())


def test_a_task_that_is_cancelled_while_it_waits_leaves_no_connection() -> None:
    """The server's thread ends only when the client has hung up: see RawServer.HOLD."""

    async def read(first: asyncio.Event) -> None:
        async with client.astream(server.url, timeout=TIMEOUT_S) as opened:
            async for _ in opened:
                first.set()

    async def main() -> None:
        first = asyncio.Event()
        reading = asyncio.create_task(read(first))
        await first.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with raw_server([chunked_head() + chunk(b"one"), RawServer.HOLD]) as server:
        server.release()
        run(main())


def test_other_tasks_run_while_a_response_waits() -> None:
    async def main() -> list[bytes]:
        async with client.astream(server.url, timeout=TIMEOUT_S) as opened:
            first = await opened.__anext__()
            waiting = asyncio.create_task(opened.read())
            await asyncio.sleep(0)
            server.release()
            return [first, await waiting]

    with raw_server([chunked_head() + chunk(b"one"), chunk(b"two") + chunk(b"")]) as server:
        assert run(main()) == [b"one", b"two"]
