"""The types of ASGI that the front ends use, and helpers for responses (ASGI specification 3.0, HTTP)."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from time import monotonic
from typing import Any

from ..invocations.limits import LIMITS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOO_LARGE = f"Request must be smaller than {LIMITS.request} bytes for the InvokeFunction operation"
LEFT_EARLY = "the client disconnected before the response began; the function runs to its end"
# Set in a scope when the client stops sending before the response begins. It may still read the response, or be gone.
HALF_CLOSED = "streamify.half_closed"
DRAIN_IDLE_TIMEOUT_S, DRAIN_TIMEOUT_S = 5.0, 30.0  # the defaults of nginx's lingering_timeout and lingering_time


async def read_body(receive: Receive, limit: int | None = LIMITS.request) -> bytes | None:
    """Return the whole body of a request; None if it exceeds the limit, or if the client disconnects."""
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


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client has disconnected; drop any other message."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def run_while_connected(
    scope: Scope, receive: Receive, send: Send, answer: Callable[[Send], Coroutine[Any, Any, None]]
) -> bool:
    """Run `answer` to its end, or cancel it when the client disconnects, which `send` does not report.

    Return False if the client disconnected before the response began.
    """
    begun = False

    async def sending(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    tasks = answering, _ = asyncio.create_task(answer(sending)), asyncio.create_task(wait_for_disconnect(receive))
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if answering.done():
            await answering
            return begun
        # A client that has stopped sending may be gone; only sending to it would show that.
        return begun and not scope.get(HALF_CLOSED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def respond(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Send a response in one piece, without its body if the status allows none (RFC 9110, section 6.4.1)."""
    if status in (204, 304):
        await start(send, status, headers)
        await send({"type": "http.response.body", "body": b""})
        return
    await start(send, status, [*headers, ("content-length", str(len(body)))])
    await send({"type": "http.response.body", "body": body})


async def respond_unread(
    receive: Receive, send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes
) -> None:
    """Send a response to a request whose body has not been read completely, then close the connection.

    The rest of the body is read and dropped first, for a limited time. Closing a connection with unread bytes resets
    it, and the client would lose the part of the response that it has not read yet (RFC 9112, section 9.6).
    """
    await start(send, status, [*headers, ("content-length", str(len(body))), ("connection", "close")])
    await send({"type": "http.response.body", "body": body, "more_body": True})
    end = monotonic() + DRAIN_TIMEOUT_S
    more = True
    while more and monotonic() < end:
        try:
            message = await asyncio.wait_for(receive(), DRAIN_IDLE_TIMEOUT_S)
        except asyncio.TimeoutError:
            break
        more = message["type"] == "http.request" and message.get("more_body", False)
    await send({"type": "http.response.body", "body": b""})


async def start(send: Send, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Send the status and headers of a response."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
