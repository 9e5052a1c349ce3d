"""The client of the Runtime API for coroutines, over real sockets."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress

import pytest

from lambda_streamify._concurrency.async_api import AsyncRuntimeApi
from lambda_streamify._runtime.context import InvocationRequest
from lambda_streamify.errors import ConnectionLost, RequestRefused
from scripted_api import ACCEPTED, Peer, Script, ScriptedApi, answers, invocation, reply
from sent import Sent, parse

REQUEST = InvocationRequest({"lambda-runtime-aws-request-id": "r"}, b"")


def talk(conversation: Callable[[AsyncRuntimeApi], Awaitable[object]], *scripts: Script) -> list[Sent]:
    """Run the conversation against a Runtime API of these scripts; returns the requests that it read."""

    async def main() -> None:
        with closing(AsyncRuntimeApi(api.address, "test")) as client:
            await conversation(client)

    with ScriptedApi(*scripts) as api:
        asyncio.run(main())
    return [parse(request) for request in api.requests]


async def ask(api: AsyncRuntimeApi) -> InvocationRequest:
    return await api.next_async(asyncio.get_running_loop())


async def send(api: AsyncRuntimeApi) -> None:
    await api.send_prepared(asyncio.get_running_loop())


def test_next_returns_the_event_and_other_tasks_run_while_it_waits() -> None:
    waited = asyncio.Event()

    def script(peer: Peer) -> None:
        peer.read_request()
        loops[0].call_soon_threadsafe(waited.set)  # nothing is set unless the event loop runs
        peer.send(invocation({"a": 1}))

    async def conversation(api: AsyncRuntimeApi) -> None:
        loops.append(asyncio.get_running_loop())
        request, _ = await asyncio.gather(ask(api), waited.wait())
        assert (request.request_id, request.body) == ("request-1", b'{"a": 1}')

    loops: list[asyncio.AbstractEventLoop] = []
    (sent,) = talk(conversation, script)
    assert (sent.method, sent.path) == ("GET", "/2018-06-01/runtime/invocation/next")


def test_next_is_repeated_on_a_new_connection_if_the_old_one_was_closed() -> None:
    async def conversation(api: AsyncRuntimeApi) -> None:
        await ask(api)
        assert (await ask(api)).body == b"2"

    sent = talk(conversation, answers(invocation(1)), answers(invocation(2)))

    assert len(sent) == 2


def test_a_new_connection_without_an_answer_is_an_error() -> None:
    async def conversation(api: AsyncRuntimeApi) -> None:
        with pytest.raises(ConnectionLost):
            await ask(api)

    talk(conversation, lambda peer: peer.read_request())


def test_a_refused_next_is_an_error() -> None:
    async def conversation(api: AsyncRuntimeApi) -> None:
        with pytest.raises(RequestRefused) as refused:
            await ask(api)
        assert refused.value.status == 500

    talk(conversation, answers(reply(500)))


def test_a_request_is_prepared_and_then_sent() -> None:
    async def conversation(api: AsyncRuntimeApi) -> None:
        assert not api.has_prepared
        await send(api)
        api.post_invocation_result(REQUEST, b"lost", "text/plain")
        api.post_invocation_error(REQUEST, b'{"errorType": "E"}')
        assert api.has_prepared
        await send(api)
        await send(api)

    (sent,) = talk(conversation, answers(ACCEPTED))

    assert (sent.path.rpartition("/")[2], sent.json) == ("error", {"errorType": "E"})


def test_a_request_counts_as_answered_once_its_answer_may_have_been_sent() -> None:
    async def conversation(api: AsyncRuntimeApi) -> None:
        request = InvocationRequest({"lambda-runtime-aws-request-id": "r"}, b"")
        api.respond(request, b"answer", "text/plain")
        assert not request.is_answered
        await send(api)
        assert request.is_answered

    talk(conversation, answers(ACCEPTED))


def test_a_refusal_before_the_whole_request_was_read_is_the_answer() -> None:
    """AWS answers 413 to a response that is too large, and may read no further."""

    def script(peer: Peer) -> None:
        peer.read_until(b"\r\n\r\n")
        peer.send(reply(413, b"too large"))
        with suppress(ConnectionError):
            assert peer.is_closed_by_the_other_side() or peer.receive()

    async def conversation(api: AsyncRuntimeApi) -> None:
        api.respond(REQUEST, bytes(50_000_000), "text/plain")
        with pytest.raises(RequestRefused) as refused:
            await send(api)
        assert refused.value.status == 413

    talk(conversation, script)


def test_a_connection_that_the_runtime_api_does_not_keep_is_closed() -> None:
    async def conversation(api: AsyncRuntimeApi) -> None:
        await ask(api)
        await ask(api)

    once = reply(200, b"{}", "Connection: close", "Lambda-Runtime-Aws-Request-Id: r")

    assert len(talk(conversation, answers(once), answers(once))) == 2


def test_a_cancelled_call_closes_the_connection() -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        tasks[0].get_loop().call_soon_threadsafe(tasks[0].cancel)
        assert peer.is_closed_by_the_other_side()

    async def conversation(api: AsyncRuntimeApi) -> None:
        tasks.append(asyncio.create_task(ask(api)))
        await asyncio.wait(tasks)
        assert tasks[0].cancelled()
        assert (await ask(api)).body == b"1"

    tasks: list[asyncio.Task[InvocationRequest]] = []
    talk(conversation, script, answers(invocation(1)))


def test_abort_makes_a_call_fail() -> None:
    def script(peer: Peer) -> None:
        peer.read_request()
        loops[0].call_soon_threadsafe(clients[0].abort)
        assert peer.is_closed_by_the_other_side()

    async def conversation(api: AsyncRuntimeApi) -> None:
        loops.append(asyncio.get_running_loop())
        clients.append(api)
        api.abort()  # there is no connection yet
        api.respond(REQUEST, b"answer", "text/plain")
        with pytest.raises(ConnectionLost):
            await send(api)
        api.abort()

    loops: list[asyncio.AbstractEventLoop] = []
    clients: list[AsyncRuntimeApi] = []
    talk(conversation, script)


def test_abort_of_a_connection_that_is_gone_does_nothing() -> None:
    async def conversation(api: AsyncRuntimeApi) -> None:
        await ask(api)
        api.abort()
        api.abort()

    talk(conversation, answers(invocation(1)))
