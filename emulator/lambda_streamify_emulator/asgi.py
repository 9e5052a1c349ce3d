"""The few types of ASGI that the front ends use, and its simplest response (ASGI specification 3.0, HTTP)."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

from .limits import LIMITS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOO_LARGE = f"Request must be smaller than {LIMITS.request} bytes for the InvokeFunction operation"


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


async def respond(send: Send, status: int, headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """A response in one piece."""
    await start(send, status, [*headers, ("content-length", str(len(body)))])
    await send({"type": "http.response.body", "body": body})


async def start(send: Send, status: int, headers: Iterable[tuple[str, str]]) -> None:
    """Status and headers of a response."""
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
