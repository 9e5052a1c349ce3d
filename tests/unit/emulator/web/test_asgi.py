import asyncio
from typing import Any

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.web import asgi
from lambda_streamify_emulator.web.asgi import (
    HALF_CLOSED,
    Message,
    Receive,
    Scope,
    Send,
    read_body,
    respond,
    respond_unread,
    run_while_connected,
    start,
)

LIMIT = 6 * 1024 * 1024  # bytes


def read(exchange: Exchange) -> bytes | None:
    found: list[bytes | None] = []

    async def app(_: Scope, receive: Receive, __: Send) -> None:
        found.append(await read_body(receive))

    run(exchange.run(app))
    return found[0]


@pytest.mark.parametrize("pieces", [[b""], [b"abc"], [b"a", b"", b"bc"], [b"x" * LIMIT]])
def test_a_body_is_read_whole(pieces: list[bytes]) -> None:
    assert read(Exchange(pieces)) == b"".join(pieces)


@pytest.mark.parametrize("pieces", [[b"x" * (LIMIT + 1)], [b"x" * LIMIT, b"x"]])
def test_a_body_over_the_limit_is_none(pieces: list[bytes]) -> None:
    assert read(Exchange(pieces)) is None


def test_a_body_whose_client_leaves_is_none() -> None:
    assert read(Exchange([b"half"], leaves=True)) is None


def test_a_message_without_body_is_an_empty_one() -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    assert run(read_body(receive)) == b""


def test_a_response_in_one_piece_has_its_length() -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await respond(send, 404, [("X-Name", "grüße €")], b"body")

    exchange = run(Exchange().run(app))

    assert exchange.status == 404
    assert exchange.fields == [("x-name", "grüße ?"), ("content-length", "4")]
    assert exchange.pieces == [b"body"]
    assert exchange.complete


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_that_must_have_no_body_has_neither_one_nor_a_length(status: int) -> None:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await respond(send, status, [("x-name", "1")], b"body")

    exchange = run(Exchange().run(app))

    assert (exchange.status, exchange.fields, exchange.pieces) == (status, [("x-name", "1")], [b""])
    assert exchange.complete


# --- clients that disconnect -----------------------------------------------------------------------------------------


def test_an_answer_runs_to_its_end_while_its_client_stays() -> None:
    found: list[bool] = []

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        async def answer(send: Send) -> None:
            await respond(send, 200, [], b"body")

        found.append(await run_while_connected({}, receive, send, answer))

    exchange = run(Exchange(stays=True).run(app))

    assert (exchange.pieces, found) == ([b"body"], [True])


@pytest.mark.parametrize(
    ("begins", "scope", "known"),
    [(True, {}, True), (False, {}, False), (True, {HALF_CLOSED: True}, False)],
)
def test_an_answer_is_cancelled_when_the_client_disconnects(*, begins: bool, scope: Scope, known: bool) -> None:
    async def main() -> None:
        running, found = asyncio.Event(), list[object]()

        async def answer(send: Send) -> None:
            if begins:
                await start(send, 200, [])
            running.set()
            try:
                await asyncio.Event().wait()
            finally:
                found.append("over")

        async def app(_: Scope, receive: Receive, send: Send) -> None:
            found.append(await run_while_connected(scope, receive, send, answer))

        exchange = Exchange()
        asking = asyncio.create_task(exchange.run(app))
        await running.wait()
        exchange.leave()
        await asking

        assert found == ["over", known]
        assert len(exchange.sent) == begins

    run(main())


def test_an_error_of_the_answer_reaches_the_caller() -> None:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        async def answer(_: Send) -> None:
            raise LookupError

        await run_while_connected({}, receive, send, answer)

    with pytest.raises(LookupError):
        run(Exchange().run(app))


def test_cancelling_the_caller_cancels_the_answer() -> None:
    async def main() -> None:
        running, over = asyncio.Event(), asyncio.Event()

        async def answer(_: Send) -> None:
            running.set()
            try:
                await asyncio.Event().wait()
            finally:
                over.set()

        async def app(_: Scope, receive: Receive, send: Send) -> None:
            await run_while_connected({}, receive, send, answer)

        asking = asyncio.create_task(Exchange().run(app))
        await running.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert over.is_set()

    run(main())


# --- a response to a request that is not read ------------------------------------------------------------------------


class Sending:
    """A client that sends during the response; it continues when `gate` opens."""

    def __init__(self, *messages: Message) -> None:
        self.messages = list(messages)
        self.sent: list[Message] = []
        self.gate = asyncio.Event()

    async def receive(self) -> Message:
        """Return the next message, or wait for ever."""
        await self.gate.wait()
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message: Message) -> None:
        """Receive a message of the response."""
        self.sent.append(message)


MORE: Message = {"type": "http.request", "body": b"more", "more_body": True}
LAST: Message = {"type": "http.request", "body": b"", "more_body": False}
GONE: Message = {"type": "http.disconnect"}


@pytest.mark.parametrize("end", [LAST, GONE])
def test_an_early_answer_is_sent_whole_and_ends_after_the_request(end: Message) -> None:
    async def main() -> None:
        client = Sending(MORE, MORE, end, MORE)
        answering = asyncio.ensure_future(respond_unread(client.receive, client.send, 413, [], b"no"))
        for _ in range(3):
            await asyncio.sleep(0)

        assert client.sent[0]["headers"] == [(b"content-length", b"2"), (b"connection", b"close")]
        assert client.sent[1:] == [{"type": "http.response.body", "body": b"no", "more_body": True}]
        client.gate.set()
        await answering
        assert client.sent[2:] == [{"type": "http.response.body", "body": b""}]
        assert client.messages == [MORE]

    run(main())


def test_an_answer_to_a_client_that_neither_goes_on_nor_leaves_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(asgi, "DRAIN_IDLE_TIMEOUT_S", 0)

    async def main() -> None:
        client = Sending()
        await respond_unread(client.receive, client.send, 413, [], b"no")

        assert len(client.sent) == 3

    run(main())


def test_an_answer_to_a_client_that_never_stops_sending_ends_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "DRAIN_TIMEOUT_S", 0)

    async def main() -> None:
        client = Sending(MORE)
        client.gate.set()
        await respond_unread(client.receive, client.send, 413, [], b"no")

        assert client.messages == [MORE]
        assert len(client.sent) == 3

    run(main())
