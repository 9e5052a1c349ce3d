"""What the dashboard's form sends: an event to a function, or a request to its URL; what comes back, as events.

Both take the way that any client's takes, but for the sockets.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from ..errors import PreludeError
from ..invocations.channel import FunctionError, FunctionFailed
from ..invocations.invocation import Invocation
from ..invocations.prelude import CONTENT_TYPE, PreludeParser
from ..recordings.recording import END, ERROR, HEAD, Event, chunk_event, error_message
from ..sandboxes.pool import SandboxPool, Throttled

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from ..urls.event import Request
    from ..web.asgi import App, Message, Receive, Scope


class _Answer:
    """Makes events of what comes: each with its time since this was made."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began = clock()
        self._chunks = self._bytes = 0

    def head(self, status: int, headers: dict[str, str], cookies: list[str]) -> Event:
        return Event(self._elapsed(), HEAD, {"status_code": status, "headers": headers, "cookies": cookies})

    def chunk(self, data: bytes) -> Event:
        self._chunks += 1
        self._bytes += len(data)
        return chunk_event(self._elapsed(), data)

    def error(self, error_type: str, message: str) -> Event:
        return Event(self._elapsed(), ERROR, {"type": error_type, "message": message})

    def end(self, reason: str) -> Event:
        return Event(self._elapsed(), END, {"reason": reason, "bytes": self._bytes, "chunks": self._chunks})

    def _elapsed(self) -> int:
        return int((self._clock() - self._began) * 1_000_000)


async def ask_function(
    pool: SandboxPool, event: bytes, clock: Callable[[], float] = time.monotonic
) -> AsyncGenerator[Event, None]:
    """Invoke a function with `event`, and yield what it answers as it comes."""
    answer, invocation = _Answer(clock), Invocation(event)
    error: FunctionError | None = None
    try:
        await pool.invoke(invocation)
        async for found in _read(invocation, answer):
            yield found
        error = invocation.channel.error
    except Throttled:
        yield answer.error("TooManyRequestsException", "all that may run of this function is busy")
        yield answer.end("error")
        return
    except FunctionFailed as failed:
        error = failed.error
    finally:
        invocation.channel.discard()
    if error is not None:
        yield answer.error(error.error_type, error_message(error.details.decode("utf-8", "replace")))
    yield answer.end("end" if error is None else "error")


async def _read(invocation: Invocation, answer: _Answer) -> AsyncGenerator[Event, None]:
    streams_http = await invocation.channel.started() == CONTENT_TYPE
    parser = PreludeParser() if streams_http else None
    async for piece in invocation.channel.pieces():
        data = piece
        if parser is not None:
            try:
                parsed = parser.feed(piece)
            except PreludeError as error:
                yield answer.error("PreludeError", str(error))
                parser = None
                continue
            if parsed is None:
                continue
            head, data = parsed
            parser = None
            yield answer.head(head.status, dict(head.headers), list(head.cookies))
        if data:
            yield answer.chunk(data)


async def ask_url(
    app: App, request: Request, clock: Callable[[], float] = time.monotonic
) -> AsyncGenerator[Event, None]:
    """Send `request` to the function URL that `app` serves, and yield what it answers as it comes."""
    answer = _Answer(clock)
    # One message waits, no more: the client holds the stream, as any client does.
    messages: asyncio.Queue[Message | None] = asyncio.Queue(1)

    async def run() -> None:
        try:
            await app(_scope(request), _receiving(request.body), messages.put)
        except Exception:
            await messages.put(None)
            raise
        await messages.put(None)  # not if it is cancelled: then nobody would take it

    running = asyncio.create_task(run())
    try:
        while (message := await messages.get()) is not None:
            if message["type"] == "http.response.start":
                yield answer.head(message["status"], *_fields(message["headers"]))
            elif message.get("body") and request.method != "HEAD":
                yield answer.chunk(message["body"])
        await running
        yield answer.end("end")
    finally:
        running.cancel()
        await asyncio.wait([running])


def _scope(request: Request) -> Scope:
    return {
        "type": "http",
        "http_version": request.http_version,
        "method": request.method,
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        "client": (request.client, 0),
    }


def _receiving(body: bytes) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        await asyncio.Event().wait()  # if this client goes, it cancels the application
        raise AssertionError

    return receive


def _fields(pairs: list[tuple[bytes, bytes]]) -> tuple[dict[str, str], list[str]]:
    headers: dict[str, str] = {}
    cookies = []
    for name, value in ((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs):
        if name == "set-cookie":
            cookies.append(value)
        else:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers, cookies
