"""Sends the event or the request of the dashboard's form, and yields the response as the events of a recording.

Both take the same path as those of any other client, except for the sockets.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import PreludeError
from ..invocations.channel import FunctionError, FunctionFailed
from ..invocations.invocation import Invocation
from ..invocations.prelude import CONTENT_TYPE, PreludeParser
from ..recordings.recording import END, ERROR, HEAD, Event, chunk_event, error_message
from ..sandboxes.pool import SandboxPool, Throttled
from ..web.exchange import note_left
from ..web.iam import SCOPE, Iam
from ..web.signing import sign
from ..web.sigv4 import ALGORITHM

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from ..web.asgi import App, Message, Receive, Scope
    from ..web.exchange import Exchange
    from ..web.request import Request

_OF_A_SIGNATURE = ("authorization", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")


class _Response:
    """Creates the events of a response. Times count from the construction of this object."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._start = clock()
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
        return int((self._clock() - self._start) * 1_000_000)


async def ask_function(
    pool: SandboxPool, event: bytes, clock: Callable[[], float] = time.monotonic
) -> AsyncGenerator[Event, None]:
    """Invoke a function with `event`, and yield the events of its response as they arrive."""
    response, invocation = _Response(clock), Invocation(event)
    error: FunctionError | None = None
    try:
        await pool.invoke(invocation)
        async for response_event in _read(invocation, response):
            yield response_event
        error = invocation.channel.error
    except Throttled:
        yield response.error("TooManyRequestsException", "all sandboxes that this function may have are busy")
        yield response.end("error")
        return
    except FunctionFailed as failed:
        error = failed.error
    finally:
        invocation.channel.discard()
    if error is not None:
        yield response.error(error.error_type, error_message(error.details.decode("utf-8", "replace")))
    yield response.end("end" if error is None else "error")


async def _read(invocation: Invocation, response: _Response) -> AsyncGenerator[Event, None]:
    streams_http = await invocation.channel.wait_for_start() == CONTENT_TYPE
    parser = PreludeParser() if streams_http else None
    async for piece in invocation.channel.pieces():
        data = piece
        if parser is not None:
            try:
                parsed = parser.feed(piece)
            except PreludeError as error:
                yield response.error("PreludeError", str(error))
                parser = None
                continue
            if parsed is None:
                continue
            head, data = parsed
            parser = None
            yield response.head(head.status, dict(head.headers), list(head.cookies))
        if data:
            yield response.chunk(data)


async def ask_url(
    app: App, request: Request, clock: Callable[[], float] = time.monotonic
) -> AsyncGenerator[Event, None]:
    """Send `request` to the function URL that `app` serves, and yield the events of its response as they arrive."""
    response = _Response(clock)
    # The queue holds one message, so a slow reader slows the stream down, as for any client.
    messages: asyncio.Queue[Message | None] = asyncio.Queue(1)

    scope = _scope(request)

    async def run() -> None:
        try:
            await app(scope, _receiving(request.body), messages.put)
        except Exception:
            await messages.put(None)
            raise
        await messages.put(None)  # not after a cancellation, because nothing would read it

    running = asyncio.create_task(run())
    try:
        while (message := await messages.get()) is not None:
            if message["type"] == "http.response.start":
                yield response.head(message["status"], *_fields(message["headers"]))
            elif message.get("body") and request.method != "HEAD":
                yield response.chunk(message["body"])
        await running
        yield response.end("end")
    finally:
        note_left(scope)
        running.cancel()
        await asyncio.wait([running])


def repeated(exchange: Exchange, iam: Iam) -> Request:
    """Return the request of an exchange once more; one that had a signature of AWS's gets a new one."""
    request = replace(exchange.request, body=exchange.body)
    given = next((value for name, value in request.headers if name == "authorization"), "")
    if not given.startswith(ALGORITHM):
        return request
    kept = [(name, value) for name, value in request.headers if name not in _OF_A_SIGNATURE]
    request = replace(request, headers=kept)
    return replace(request, headers=[*kept, *sign(request, iam.credentials, SCOPE)])


def _scope(request: Request) -> Scope:
    return {
        "type": "http",
        "http_version": request.http_version,
        "method": request.method,
        "raw_path": request.path.encode("latin-1"),
        "query_string": request.query.encode("latin-1"),
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers],
        "client": (request.client, 0),
        "scheme": request.scheme,
        "server": (request.client, request.port),
    }


def _receiving(body: bytes) -> Receive:
    messages = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Message:
        for message in messages:
            return message
        await asyncio.Event().wait()  # when this client disconnects, it cancels the application
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
