import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asynchronous import run
from lambda_streamify_emulator.invocations.backlog import BACKLOG_LIMIT_BYTES, HeldBacklog
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.limits import UNLIMITED
from lambda_streamify_emulator.runtime_api.connection import DISCARD_LIMIT_BYTES, RuntimeConnection
from lambda_streamify_emulator.runtime_api.server import RuntimeApi
from lambda_streamify_emulator.runtime_api.wire import HEAD_LIMIT_BYTES
from runtime_peer import END, FUNCTION, HOOKS, NEXT, Peer, Scene, chunk, post, read, request, response

NONSENSE = request("GET", "nonsense")


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


# --- connections of all kinds ----------------------------------------------------------------------------------------


def test_one_connection_serves_one_invocation_after_the_other() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            for number in range(3):
                assert (await peer.ask(response(invocation.request_id) + chunk(b"x") + END)).status == 202
                await peer.send(NEXT)
                await scene.idle(number + 1)
                invocation = Invocation(b"%d" % number)
                scene.api.invoke(invocation)
                assert (await peer.reply()).body == b"%d" % number

            assert scene.happened == ["handed over", *["idle", "handed over"] * 3]

    run(main())


@pytest.mark.parametrize(("version", "field"), [("1.1", "Connection: close"), ("1.0", "X: y")])
def test_each_request_may_have_a_connection_of_its_own(version: str, field: str) -> None:
    async def main() -> None:
        async with Scene() as scene:
            invocation = Invocation(b'"event"')
            scene.api.invoke(invocation)
            for data, status in (
                (request("GET", "invocation/next", field), 200),
                (post(invocation.request_id, "response", field, body=b"answer"), 202),
                (post(invocation.request_id, "response", field, body=b"answer"), 403),
            ):
                peer = await scene.connect()
                reply = await peer.ask(data.replace(b"HTTP/1.1", f"HTTP/{version}".encode()))
                assert (reply.status, reply.headers["connection"]) == (status, "close")
                assert await peer.rest() == b""

            assert await read(invocation) == b"answer"

    run(main())


def test_a_client_of_http_1_0_may_keep_its_connection() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            for _ in range(2):
                reply = await peer.ask(NONSENSE.replace(b"1.1\r\n", b"1.0\r\nConnection: keep-alive\r\n"))
                assert (reply.status, reply.headers["connection"]) == (404, "keep-alive")

    run(main())


def test_a_client_may_close_its_side_after_the_request() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(NEXT)
            peer.end_sending()
            await scene.idle()
            scene.api.invoke(Invocation(b'"event"'))

            assert (await peer.reply()).body == b'"event"'
            assert await peer.rest() == b""

    run(main())


def test_an_upgrade_request_is_served_in_http_1_1() -> None:
    async def main() -> None:
        async with Scene() as scene:
            fields = "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAARAAAAA"
            peer, invocation = await scene.connect(), Invocation(b'"event"')
            scene.api.invoke(invocation)

            assert (await peer.ask(request("GET", "invocation/next", *fields))).body == b'"event"'
            assert (await peer.ask(post(invocation.request_id, "response", *fields, body=b"answer"))).status == 202
            assert await read(invocation) == b"answer"

    run(main())


# --- pipelining ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_requests_that_come_at_once_are_answered_one_after_the_other(size: int) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.connect(), Invocation(b'"first"')
            data = NEXT + NEXT + post(invocation.request_id, "response", body=b"answer") + NEXT + NONSENSE
            for piece in split(data, size):
                await peer.send(piece)
            await scene.idle()
            scene.api.invoke(invocation)

            replies = [await peer.reply() for _ in range(3)]
            assert [reply.status for reply in replies] == [200, 200, 202]
            assert await read(invocation) == b"answer"
            await scene.idle(2)
            scene.api.invoke(Invocation(b'"second"'))
            assert (await peer.reply()).body == b'"second"'
            assert (await peer.reply()).status == 404

    run(main())


def test_data_after_a_held_request_is_not_buffered_without_limit() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(NEXT)
            await scene.idle()
            sending = asyncio.create_task(peer.send(NONSENSE * 1_000_000))
            await asyncio.wait([sending], timeout=0.1)

            assert not sending.done()
            (connection,) = scene.api._connections  # noqa: SLF001 - nothing else shows it
            assert connection.received < 1_000_000
            peer.reset()
            await asyncio.wait([sending])
            sending.exception()

    run(main())


def test_a_client_that_does_not_read_its_answers_is_no_longer_read() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, _ = await scene.invoked(Invocation(b'"' + b"x" * 1_000_000 + b'"'))
            await peer.send(NEXT * 1000)  # the same event each time: a thousand megabytes
            (connection,) = scene.api._connections  # noqa: SLF001
            await scene.until(connection._transport.get_write_buffer_size)  # noqa: SLF001
            for _ in range(100):  # lets the other tasks run until they block
                await asyncio.sleep(0)

            assert connection._transport.get_write_buffer_size() < 3_000_000  # noqa: SLF001
            for _ in range(100):
                assert len((await peer.reply()).body) == 1_000_002

    run(main())


# --- expectations ----------------------------------------------------------------------------------------------------


def test_a_client_that_expects_100_continue_gets_it() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()
            fields = "Expect: 100-continue", "Content-Length: 6"
            await peer.send(request("POST", f"invocation/{invocation.request_id}/response", *fields))
            assert await peer.told_to_go_on()

            assert (await peer.ask(b"answer")).status == 202
            assert await read(invocation) == b"answer"

    run(main())


def test_a_client_that_expects_100_continue_gets_a_refusal_at_once() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            fields = "Expect: 100-continue", "Content-Length: 6"
            reply = await peer.ask(request("POST", "invocation/other/response", *fields))

            assert (reply.status, reply.headers["connection"]) == (400, "close")
            assert await peer.rest() == b""

    run(main())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("GET", "invocation/next", "Expect: something"), 417),
        (NEXT.replace(b"Host: localhost\r\n", b""), 400),
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n", 404),
    ],
)
def test_what_cannot_be_served_is_refused_and_the_connection_closed(data: bytes, status: int) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            reply = await peer.ask(data)

            assert (reply.status, reply.headers["connection"]) == (status, "close")
            assert await peer.rest() == b""
            assert scene.api.state == "Started"

    run(main())


def test_a_head_that_does_not_end_is_refused_at_its_limit() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            await peer.send(b"GET / HTTP/1.1\r\nX: ")
            with suppress(ConnectionError):  # the connection closes during the write
                for _ in range(100):
                    await peer.send(b"x" * 65536)
            await peer.rest()

            assert scene.warnings == [f"the head of a request is over {HEAD_LIMIT_BYTES} bytes"]

    run(main())


# --- bodies that are not read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, DISCARD_LIMIT_BYTES])
def test_the_body_of_a_refused_call_is_thrown_away_if_it_is_short(size: int) -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.invoked()

            assert (await peer.ask(response("other") + chunk(b"x" * size) + END)).status == 400
            assert (await peer.ask(response(invocation.request_id) + END)).status == 202
            assert await read(invocation) == b""

    run(main())


def test_the_body_of_a_refused_call_is_not_waited_for_if_it_is_long() -> None:
    async def main() -> None:
        async with Scene() as scene:
            peer = await scene.connect()
            sending = asyncio.create_task(peer.send(response("other") + chunk(b"x" * 5_000_000)))
            reply = await peer.reply()

            assert (reply.status, reply.headers["connection"]) == (400, "close")
            await asyncio.wait([sending])
            sending.exception()
            await peer.rest()

    run(main())


# --- flow control ----------------------------------------------------------------------------------------------------


def test_a_slow_reader_holds_the_runtime_and_a_reader_that_goes_on_lets_it_go_on() -> None:
    async def main() -> None:
        async with Scene(limits=UNLIMITED) as scene:
            peer, invocation = await scene.invoked()
            await peer.send(response(invocation.request_id))
            total = 64 * 1024 * 1024
            sending = asyncio.create_task(peer.send(b"".join((chunk(b"x" * total), END))))
            await invocation.channel.wait_for_start()
            pieces, waiting = invocation.channel.pieces(), invocation.channel.backlog
            assert isinstance(waiting, HeldBacklog)
            size = len(await anext(pieces))

            # While nobody reads, the emulator holds only the data of one read.
            held = -1
            while held != waiting.size:
                held = waiting.size
                await asyncio.wait([sending], timeout=0.05)
            assert not sending.done()
            assert held < BACKLOG_LIMIT_BYTES + 256 * 1024

            async for piece in pieces:
                size += len(piece)
            await sending
            assert size == total
            assert (await peer.reply()).status == 202

    run(main())


def test_a_response_that_nobody_reads_any_more_does_not_hold_the_runtime() -> None:
    async def main() -> None:
        async with Scene(limits=UNLIMITED) as scene:
            peer, invocation = await scene.invoked()
            sending = asyncio.create_task(
                peer.send(response(invocation.request_id) + chunk(b"x" * 8 * 1024 * 1024) + END)
            )
            await invocation.channel.wait_for_start()
            await anext(invocation.channel.pieces())
            invocation.channel.discard()

            assert (await peer.reply()).status == 202
            await sending
            assert invocation.channel.ended

    run(main())


class Transport(asyncio.Transport):
    """Records whether reading is paused."""

    def __init__(self) -> None:
        super().__init__()
        self.reading = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass


def test_the_socket_is_not_read_while_the_channel_is_full() -> None:
    async def main() -> None:
        api = RuntimeApi(FUNCTION, HOOKS)
        transport, connection, invocation = Transport(), RuntimeConnection(api), Invocation(b"{}")
        connection.connection_made(transport)
        api.invoke(invocation)
        connection.data_received(NEXT)
        connection.data_received(response(invocation.request_id))

        connection.data_received(chunk(b"x" * (BACKLOG_LIMIT_BYTES - 1)))
        assert transport.reading
        connection.data_received(chunk(b"x"))
        assert not transport.reading
        assert connection.is_held_up
        pieces = invocation.channel.pieces()
        await anext(pieces)
        assert transport.reading
        connection.data_received(chunk(b"x" * BACKLOG_LIMIT_BYTES))
        assert not transport.reading
        invocation.channel.discard()
        assert transport.reading
        assert not connection.is_held_up

    run(main())


# --- misbehaving runtimes --------------------------------------------------------------------------------------------

CONVERSATION = NEXT + response("{id}") + chunk(b"x" * 100) + END + NEXT + request("POST", "init/error", body=b"{}")


@given(st.integers(0, len(CONVERSATION)), st.binary(), st.integers(1, 400), st.booleans())
@settings(max_examples=50, deadline=None)
def test_whatever_a_runtime_sends_the_next_one_is_served(at: int, garbage: bytes, size: int, reset: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        async with Scene() as scene:
            peer, invocation = await scene.connect(), Invocation(b"{}")
            scene.api.invoke(invocation)
            data = (CONVERSATION[:at] + garbage).replace(b"{id}", invocation.request_id.encode())
            with suppress(ConnectionError):
                for piece in split(data, size):
                    await peer.send(piece)
            peer.reset() if reset else await leave(peer)

            other = await scene.connect()
            assert (await other.ask(NONSENSE)).status == 404

    run(main())


async def leave(peer: Peer) -> None:
    with suppress(OSError):
        peer.end_sending()
    with suppress(OSError):
        await peer.close()
