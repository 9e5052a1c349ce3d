"""The end of a response in an event loop: other tasks run while the Runtime API delays its answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from threading import Event
from typing import Any

import pytest

from invoking import FUNCTION_URL, Handler, Loop, invoke_scripted
from lambda_streamify import asgi, open_stream, streaming
from scripted_api import ACCEPTED, WAIT, Peer, Script, reply
from sent import parse

Beside = Callable[[], Any]


class Late:
    """A Runtime API that answers the end of a response only after another task has run."""

    def __init__(self, answer: bytes = ACCEPTED) -> None:
        self._answer = answer
        self._has_read = Event()
        self._ran = Event()

    def script(self, peer: Peer) -> None:
        """Read the response, wait for the task, and answer."""
        peer.read_request()
        self._has_read.set()
        assert self._ran.wait(WAIT), "the event loop stands still"
        peer.send(self._answer)

    async def run_beside(self) -> None:
        """Run until the API has read the end of the response."""
        assert await asyncio.to_thread(self._has_read.wait, WAIT)
        self._ran.set()


kept: list[Any] = []  # the tasks, to which asyncio has only weak references


def by_asgi(beside: Beside) -> Handler:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        kept.append(asyncio.ensure_future(beside()))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"body"})

    return asgi.handler(app, lifespan="off")


def by_body(beside: Beside) -> Handler:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        kept.append(asyncio.ensure_future(beside()))
        yield "body"

    return handler


def by_streaming(beside: Beside) -> Handler:
    @streaming
    async def inner(_event: Any, _context: Any) -> AsyncIterator[str]:
        yield "body"

    async def handler(event: Any, context: Any) -> None:
        kept.append(asyncio.ensure_future(beside()))
        await inner(event, context)

    return handler


def by_writer(beside: Beside) -> Handler:
    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        kept.append(asyncio.ensure_future(beside()))
        await writer.awrite("body")
        await writer.aclose()
        assert writer.closed
        await writer.aclose()

    return handler


def by_writer_unused(beside: Beside) -> Handler:
    async def handler(_event: Any, _context: Any) -> None:
        open_stream()
        kept.append(asyncio.ensure_future(beside()))

    return handler


@pytest.mark.parametrize("by", [by_asgi, by_body, by_streaming, by_writer, by_writer_unused])
def test_other_tasks_run_until_the_api_has_answered(by: Callable[[Beside], Handler], loop: Loop) -> None:
    api = Late()

    [request], log = invoke_scripted(by(api.run_beside), FUNCTION_URL, api.script, loop=loop)

    assert parse(request).content == (b"" if by is by_writer_unused else b"body")
    assert (log.messages, log.errors) == ([], [])


@pytest.mark.parametrize("by", [by_asgi, by_body, by_streaming, by_writer])
def test_a_late_refusal_is_reported(by: Callable[[Beside], Handler], loop: Loop) -> None:
    api = Late(reply(413, b"too large"))

    _, log = invoke_scripted(by(api.run_beside), FUNCTION_URL, api.script, loop=loop)

    assert "the response was not delivered: the Runtime API answered 413 to response: too large" in log.messages[-1]


def reads_all(has_read: Event, cancelled: Event) -> Script:
    def script(peer: Peer) -> None:
        peer.read_request()
        has_read.set()
        assert cancelled.wait(WAIT)
        peer.send(ACCEPTED)

    return script


def reads_late(has_read: Event, cancelled: Event) -> Script:
    def script(peer: Peer) -> None:
        has_read.set()
        assert cancelled.wait(WAIT)
        peer.answer(ACCEPTED)

    return script


@pytest.mark.parametrize("reads", [reads_all, reads_late])
def test_a_cancelled_end_still_ends_the_response(reads: Callable[[Event, Event], Script], loop: Loop) -> None:
    has_read, cancelled, seen = Event(), Event(), []
    large = b"x" * (16 * 1024 * 1024)  # more than a socket takes in one send

    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        await writer.awrite("start ")
        if reads is reads_late:
            writing = asyncio.ensure_future(writer.awrite(large))
            await asyncio.sleep(0)
            writing.cancel()  # `end` sends the rest
            await asyncio.wait([writing])
        closing = asyncio.ensure_future(writer.aclose())
        assert await asyncio.to_thread(has_read.wait, WAIT)
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(cancelled.set)
        closing.cancel()
        await asyncio.wait([closing])
        seen.append((closing.cancelled(), writer.closed))

    [request], log = invoke_scripted(handler, FUNCTION_URL, reads(has_read, cancelled), loop=loop)

    assert parse(request).content == b"start " + (large if reads is reads_late else b"")
    assert seen == [(True, True)]
    assert (log.messages, log.errors) == ([], [])
