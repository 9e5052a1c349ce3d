"""The few types of ASGI that the front ends use, and its simplest responses (ASGI specification 3.0, HTTP)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

from ..invocations.limits import LIMITS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOO_LARGE = f"Request must be smaller than {LIMITS.request} bytes for the InvokeFunction operation"
SILENCE, LINGER = 5.0, 30.0  # seconds, as nginx's lingering_timeout and lingering_time


async def read_body(receive: Receive, limit: int | None = LIMITS.request) -> bytes | None:
    """The whole body of a request, or None if it is over the limit or its client went away."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if limit is not None and len(body) > limit:
            return None
        more = message.get("more_body", False)
    return bytes(body)


async def left(receive: Receive) -> None:
    """Return when the client of a request has gone, of which nothing else is to be read."""
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def noticing(receive: Receive, leave: Callable[[], None]) -> AsyncIterator[None]:
    """Call `leave` if the client goes while the block lasts: `send` says nothing of that."""

    async def notice() -> None:
        await left(receive)
        leave()

    watching = asyncio.create_task(notice())
    try:
        yield
    finally:
        watching.cancel()


async def respond(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """A response in one piece. Without a body if HTTP allows it none (RFC 9110, section 6.4.1)."""
    if status in (204, 304):
        await start(send, status, headers)
        await send({"type": "http.response.body", "body": b""})
        return
    await start(send, status, [*headers, ("content-length", str(len(body)))])
    await send({"type": "http.response.body", "body": body})


async def respond_unread(
    receive: Receive, send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> None:
    """A response to a request whose body has not been read, and will not be; then the connection closes.

    Not before the client has had time to read it: a connection that is closed on unread bytes is reset, and what the
    client has not read yet is lost (RFC 9112, section 9.6).
    """
    await start(send, status, [*headers, ("content-length", str(len(body))), ("connection", "close")])
    await send({"type": "http.response.body", "body": body, "more_body": True})
    end = monotonic() + LINGER
    more = True
    while more and monotonic() < end:
        try:
            message = await asyncio.wait_for(receive(), SILENCE)
        except asyncio.TimeoutError:
            break
        more = message["type"] == "http.request" and message.get("more_body", False)
    await send({"type": "http.response.body", "body": b""})


async def start(send: Send, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Status and headers of a response."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
