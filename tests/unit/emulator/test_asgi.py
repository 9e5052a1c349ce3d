from typing import Any

import pytest

from asgi_client import Exchange
from asynchronous import run
from lambda_streamify_emulator.asgi import Receive, Scope, Send, read_body, respond

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
