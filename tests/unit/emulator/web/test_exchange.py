import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from asgi_client import Exchange as Client
from asynchronous import run
from lambda_streamify_emulator.web.asgi import App, Receive, Scope, Send, read_body, respond, respond_unread
from lambda_streamify_emulator.web.exchange import COMPLETE, CUT, LEFT, Exchange, ExchangeWatch, note, note_left


class Clock:
    """Returns the time that the test has set, in seconds."""

    now = 10.0

    def __call__(self) -> float:
        return self.now


def watched(app: App, client: Client, clock: Clock | None = None) -> Exchange:
    """Let the client ask the application; return its exchange after the last change."""
    seen: list[Exchange] = []
    watch = ExchangeWatch(app, [seen.append], api="Api", clock=clock or Clock(), wall_clock=lambda: 1_700_000_000.0)
    run(client.run(watch))
    assert len({id(one) for one in seen}) == 1
    return seen[-1]


def body(data: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.response.body", "body": data, "more_body": more}


START = {"type": "http.response.start", "status": 201, "headers": [(b"x-answer", b"1")]}


def test_an_exchange_has_what_the_client_sent_and_got_with_times() -> None:
    clock = Clock()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        note(scope, function="chat", request_id="r-1")
        await read_body(receive)
        clock.now += 1
        await send(START)
        for data in (b"", b"abc", b"de"):
            clock.now += 1
            await send(body(data, more=True))
        await send(body(b""))

    exchange = watched(app, Client([b"ques", b"tion"], "POST", "/chat", "a=1", [("x-mine", "2")]), clock)

    request = exchange.request
    assert (request.method, request.path, request.query, exchange.target) == ("POST", "/chat", "a=1", "/chat?a=1")
    assert (request.headers, exchange.body, exchange.body_size) == ([("x-mine", "2")], b"question", 8)
    assert (exchange.status, exchange.response_headers) == (201, [("x-answer", "1")])
    assert (exchange.first_byte, exchange.duration, exchange.chunks, exchange.bytes) == (1_000_000, 4_000_000, 2, 5)
    assert (exchange.ending, exchange.began, request.client) == (COMPLETE, 1_700_000_000.0, "192.0.2.7")
    assert (exchange.function, exchange.api, exchange.request_id, exchange.reason) == ("chat", "Api", "r-1", None)


def test_watchers_are_called_at_the_begin_and_after_each_change() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await respond(send, 200, [], b"abc")

    seen: list[tuple[int | None, int, str | None]] = []
    watch = ExchangeWatch(app, [lambda one: seen.append((one.status, one.bytes, one.ending))])
    run(Client().run(watch))

    assert seen == [(None, 0, None), (200, 0, None), (200, 3, COMPLETE)]


def test_the_body_of_a_response_to_head_is_not_sent() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await respond(send, 200, [], b"abc")

    exchange = watched(app, Client(method="HEAD"))

    assert (exchange.chunks, exchange.bytes, exchange.ending) == (0, 0, COMPLETE)


def test_a_client_that_disconnects_within_the_response_has_left() -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(START)
        await send(body(b"abc", more=True))
        while (await receive())["type"] != "http.disconnect":
            pass
        await send(body(b"not counted", more=True))

    exchange = watched(app, Client(leaves=True))

    assert (exchange.ending, exchange.bytes) == (LEFT, 3)


def test_a_client_that_disconnects_after_the_whole_body_has_not_left() -> None:
    """An answer to an unread request drains the rest of the request after its own last byte."""

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await respond_unread(receive, send, 413, [], b"too large")

    exchange = watched(app, Client([b"x" * 10], leaves=True))

    assert (exchange.status, exchange.ending) == (413, COMPLETE)


def test_a_response_without_an_end_is_cut() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send(START)
        await send(body(b"abc", more=True))

    assert watched(app, Client(stays=True)).ending == CUT


def test_an_application_that_fails_is_answered_by_the_server_with_500() -> None:
    async def app(_: Scope, __: Receive, ___: Send) -> None:
        raise ValueError("mine")

    seen: list[Exchange] = []
    with pytest.raises(ValueError, match="mine"):
        run(Client().run(ExchangeWatch(app, [seen.append])))

    assert (seen[-1].status, seen[-1].ending) == (500, CUT)


def test_an_exchange_that_is_cancelled_ends() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send(START)
        await asyncio.Event().wait()

    async def main(end: Callable[[Scope], None]) -> str | None:
        scopes: list[Scope] = []
        seen: list[Exchange] = []

        async def keeping(scope: Scope, receive: Receive, send: Send) -> None:
            scopes.append(scope)
            await app(scope, receive, send)

        client = Client(stays=True)
        running = asyncio.create_task(client.run(ExchangeWatch(keeping, [seen.append])))
        await client.until(1)
        end(scopes[0])
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return seen[-1].ending

    assert run(main(lambda _: None)) == CUT
    assert run(main(note_left)) == LEFT


def test_notes_do_nothing_when_nobody_watches_and_after_the_end() -> None:
    async def app(scope: Scope, _: Receive, send: Send) -> None:
        note(scope, function="chat")
        await respond(send, 200, [], b"")
        note(scope, reason="late")
        note_left(scope)

    run(Client().run(app))
    exchange = watched(app, Client())

    assert (exchange.function, exchange.reason, exchange.ending) == ("chat", None, COMPLETE)
