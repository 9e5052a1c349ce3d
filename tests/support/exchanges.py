"""Exchanges with front ends that have ended, without any server."""

from lambda_streamify_emulator.web.asgi import Receive, Scope, Send
from lambda_streamify_emulator.web.exchange import Exchange


async def nowhere(_: Scope, __: Receive, ___: Send) -> None:
    """An application that is never asked."""
    raise AssertionError


class Clock:
    """Returns the time that the test has set, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def exchanged(
    *pieces: bytes, status: int | None = 200, path: str = "/chat", ending: str | None = None, reason: str | None = None
) -> Exchange:
    """Return an exchange whose head comes after 310 ms, and whose body ends after 3.2 s."""
    scope = {
        "method": "POST",
        "raw_path": path.encode("latin-1"),
        "query_string": b"",
        "client": ("192.0.2.7", 1),
        "headers": [],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 4001),
    }
    clock = Clock()
    exchange = Exchange(scope, nowhere, function="chat", api=None, clock=clock, wall_clock=lambda: 1_700_000_000.25)
    exchange.reason, exchange.request_id = reason, "r-1"
    clock.now = 0.31
    if status is not None:
        exchange.send({"type": "http.response.start", "status": status, "headers": []})
    for piece in pieces:
        exchange.send({"type": "http.response.body", "body": piece, "more_body": True})
    clock.now = 3.2
    if ending is None:
        exchange.send({"type": "http.response.body", "body": b""})
    else:
        exchange.end(ending)
    return exchange
