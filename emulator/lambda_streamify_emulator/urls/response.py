"""An invocation's response as the client of a function URL gets it, in either invoke mode.

Sources: AWS Lambda Developer Guide, "Lambda function URLs" and "Response streaming". What it does not say is a choice
of this emulator: an error after the first byte ends the body as if it were whole, an error before it is a 502.
"""

import zlib
from collections.abc import AsyncIterator, Callable

from ..errors import PreludeError, RemappedHeaderError
from ..invocations import prelude
from ..invocations.channel import FunctionFailed
from ..invocations.invocation import Invocation
from ..web.asgi import Message, Send, respond, start
from ..web.content_encoding import DECODED, decoded
from ..web.cors import twice
from ..web.response_headers import Headers, delivered, missed, value_of, without
from . import buffered


def own_headers(invocation: Invocation) -> Headers:
    """The headers that each answer of an invocation has; the names within the trace were seen in lower case."""
    return [("x-amzn-requestid", invocation.request_id), ("x-amzn-trace-id", invocation.trace_id.lower())]


class UrlResponse:
    """One response. `warn` is told what the client cannot see, `cors` are the headers that `send` adds.

    With `cuts_errors` a body that ends in an error has no end: the server closes the connection.
    """

    def __init__(
        self,
        invocation: Invocation,
        send: Send,
        warn: Callable[[str], None],
        cors: Headers,
        *,
        cuts_errors: bool = False,
    ) -> None:
        self._invocation = invocation
        self._send = send
        self._warn = warn
        self._cors = cors
        self._cuts_errors = cuts_errors

    async def send_whole(self) -> None:
        """Invoke mode BUFFERED: wait for all of it."""
        channel = self._invocation.channel
        try:
            payload = await buffered.whole(channel)
            fields, body = buffered.parse(payload, channel.content_type or "")
            headers = self._headers(fields)
        except (FunctionFailed, PreludeError, RemappedHeaderError) as error:
            await self._fail(error)
            return
        await respond(self._send, fields.status, headers, body)

    async def stream(self) -> None:
        """Invoke mode RESPONSE_STREAM: send it as it comes."""
        channel = self._invocation.channel
        try:
            content_type = await channel.started()
            pieces = channel.pieces()
            fields, first = await _read_prelude(pieces, content_type)
            headers = self._headers(fields)
        except (FunctionFailed, PreludeError, RemappedHeaderError) as error:
            await self._fail(error)
            return
        coding = (value_of(headers, "content-encoding") or "").strip().lower()
        if coding in DECODED:
            headers = without(headers, "content-encoding")
        if coding not in ("", "identity"):
            here = "" if coding in DECODED else "; here it passes as it is"
            self._warn(f"content-encoding {coding}: a streaming function URL decompresses the body{here}")
        await start(self._send, fields.status, headers)
        # RFC 9110, section 6.4.1. HEAD's body uvicorn drops itself.
        send = _without_body(self._send) if fields.status in (204, 304) else self._send
        try:
            async for piece in _body(first, pieces, compressed=coding in DECODED):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except zlib.error as error:
            self._warn(f"the body is not {coding}, as its content-encoding says: {error}; the client sees it end early")
        if channel.error is None or not self._cuts_errors:
            await send({"type": "http.response.body", "body": b""})
        if channel.error is not None:
            seen = "a connection that breaks" if self._cuts_errors else "a body that ends early"
            self._warn(f"{channel.error.error_type} after the response began: the client sees {seen}")

    def _headers(self, fields: prelude.Prelude) -> Headers:
        headers = delivered(fields.headers)
        for name in missed(fields.headers):
            self._warn(f"function URLs rename the header {name}: the client gets x-amzn-remapped-{name.lower()}")
        for name in twice(headers, self._cors):
            self._warn(
                f"both the function and the URL's Cors set {name}: the client gets it twice, and browsers refuse it"
            )
        if value_of(headers, "content-type") is None:
            headers.append(("content-type", "application/octet-stream"))
        cookies = (("set-cookie", cookie) for cookie in fields.cookies)
        return [*own_headers(self._invocation), *headers, *cookies]

    async def _fail(self, error: FunctionFailed | PreludeError | RemappedHeaderError) -> None:
        status = 500 if isinstance(error, RemappedHeaderError) else 502
        if not isinstance(error, FunctionFailed):
            self._warn(f"{error}; the client gets {status}")
        headers = [*own_headers(self._invocation), ("content-type", "text/plain")]
        await respond(self._send, status, headers, b"Internal Server Error")


async def _read_prelude(pieces: AsyncIterator[bytes], content_type: str) -> tuple[prelude.Prelude, bytes]:
    """Status, headers and cookies, and the body's first bytes."""
    if content_type != prelude.CONTENT_TYPE:
        return prelude.Prelude(200, (("content-type", content_type),), ()), b""
    parser = prelude.PreludeParser()
    async for piece in pieces:
        complete = parser.feed(piece)
        if complete:
            return complete
    parser.end()
    raise AssertionError  # end() always raises


async def _body(first: bytes, pieces: AsyncIterator[bytes], *, compressed: bool) -> AsyncIterator[bytes]:
    """The pieces to send. The head goes out with the first of them, which an empty one is too."""
    if compressed:
        yield b""
        pieces = decoded(_body(first, pieces, compressed=False))
    else:
        yield first
    async for piece in pieces:
        yield piece


def _without_body(send: Send) -> Send:
    """Drops what a runtime sends as the body of a response that must have none; the function runs to its end."""

    async def send_head(message: Message) -> None:
        await send({**message, "body": b""})

    return send_head
