"""The response of a function URL, in either invoke mode.

Sources: AWS Lambda Developer Guide, "Lambda function URLs" and "Response streaming". multiValueHeaders in the prelude
of a stream causes a 500: `APIGatewayHttpApiV2ProxyFunction.cs` of aws-lambda-dotnet. The handling of errors is a choice
of this emulator. An error before the prelude, or before the first byte if there is no prelude, is a 502. A later error
ends the body as if it were complete.
"""

import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from ..errors import MultiValueHeadersError, PreludeError, RemappedHeaderError
from ..invocations import prelude
from ..invocations.channel import FunctionFailed, ResponseChannel
from ..invocations.invocation import Invocation
from ..web.asgi import Message, Send, respond, start
from ..web.content_encoding import DECODED, decompress
from ..web.cors import find_duplicates
from ..web.response_headers import Headers, find_renamed_for_clients, get_header, remove_header, rename_headers
from . import buffered

_REFUSED = (RemappedHeaderError, MultiValueHeadersError)  # answered with 500


def own_headers(invocation: Invocation) -> Headers:
    """Return the headers of every response. The field names in the trace id were seen in lower case on AWS."""
    return [("x-amzn-requestid", invocation.request_id), ("x-amzn-trace-id", invocation.trace_id.lower())]


class UrlResponse:
    """One response.

    `warn` is called with problems that the response does not show. `cors` are the headers that `send` adds. With
    `cuts_errors`, an error within the body closes the connection instead of ending the body.
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
        """Send the response in one piece, for invoke mode BUFFERED."""
        channel = self._invocation.channel
        try:
            payload = await buffered.read_whole(channel)
            fields, body = buffered.parse(payload, channel.content_type or "")
            headers = self._headers(fields)
        except (FunctionFailed, PreludeError, *_REFUSED) as error:
            await self._fail(error)
            return
        await respond(self._send, fields.status, headers, body)

    async def stream(self) -> None:
        """Send the response as it arrives, for invoke mode RESPONSE_STREAM."""
        channel = self._invocation.channel
        try:
            await channel.wait_for_start()
            pieces = channel.pieces()
            fields, first = await _begin(channel, pieces)
            headers = self._headers(fields)
        except (FunctionFailed, PreludeError, *_REFUSED) as error:
            await self._fail(error)
            return
        coding = (get_header(headers, "content-encoding") or "").strip().lower()
        if coding in DECODED:
            headers = remove_header(headers, "content-encoding")
        if coding not in ("", "identity"):
            here = "" if coding in DECODED else "; the emulator does not"
            self._warn(f"content-encoding {coding}: a streaming function URL decompresses the body{here}")
        await start(self._send, fields.status, headers)
        # RFC 9110, section 6.4.1. uvicorn itself drops the body of a response to HEAD.
        send = _without_body(self._send) if fields.status in (204, 304) else self._send
        try:
            async for piece in _body(first, pieces, compressed=coding in DECODED):
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except zlib.error as error:
            self._warn(f"the body is not {coding} as its content-encoding says: {error}; the client sees it end early")
        if channel.error is None or not self._cuts_errors:
            await send({"type": "http.response.body", "body": b""})
        if channel.error is not None:
            seen = "a connection that breaks" if self._cuts_errors else "a body that ends early"
            self._warn(f"{channel.error.error_type} after the response began: the client sees {seen}")

    def _headers(self, fields: prelude.Prelude) -> Headers:
        headers = rename_headers(fields.headers)
        for name in find_renamed_for_clients(fields.headers):
            self._warn(f"function URLs rename the header {name} to x-amzn-remapped-{name.lower()}")
        for name in find_duplicates(headers, self._cors):
            self._warn(
                f"both the function and the URL's Cors set {name}: the client gets it twice, and browsers refuse that"
            )
        if get_header(headers, "content-type") is None:
            headers.append(("content-type", "application/octet-stream"))
        cookies = (("set-cookie", cookie) for cookie in fields.cookies)
        return [*own_headers(self._invocation), *headers, *cookies]

    async def _fail(self, error: Exception) -> None:
        status = 500 if isinstance(error, _REFUSED) else 502
        if not isinstance(error, FunctionFailed):
            self._warn(f"{error}; the client gets {status}")
        headers = [*own_headers(self._invocation), ("content-type", "text/plain")]
        await respond(self._send, status, headers, b"Internal Server Error")


async def _begin(channel: ResponseChannel, pieces: AsyncIterator[bytes]) -> tuple[prelude.Prelude, bytes]:
    """Wait for the prelude, or for the first byte if there is no prelude.

    Returns the status, headers and cookies, and the first bytes of the body. Raises FunctionFailed if the function
    fails before that: runtimes that can only stream report the error in trailers, after an empty body.
    """
    content_type = channel.content_type or ""
    parser = prelude.PreludeParser(_fields) if content_type == prelude.CONTENT_TYPE else None
    plain = prelude.Prelude(200, (("content-type", content_type),), ())
    async for piece in pieces:
        complete = parser.feed(piece) if parser else (plain, piece)
        if complete:
            return complete
    if channel.error is not None:
        raise FunctionFailed(channel.error)
    if parser:
        parser.end()
    return plain, b""


def _fields(fields: Mapping[str, Any]) -> prelude.Prelude:
    if fields.get("multiValueHeaders") is not None:
        raise MultiValueHeadersError(
            "the prelude has the field multiValueHeaders, which function URLs answer with 500: join the values of a"
            " header in headers, and put cookies into cookies"
        )
    return prelude.read_fields(fields)


async def _body(first: bytes, pieces: AsyncIterator[bytes], *, compressed: bool) -> AsyncIterator[bytes]:
    """Yield the pieces to send. The first may be empty: uvicorn sends the head with it."""
    if compressed:
        yield b""
        pieces = decompress(_body(first, pieces, compressed=False))
    else:
        yield first
    async for piece in pieces:
        yield piece


def _without_body(send: Send) -> Send:
    """Return a `send` that drops the body, for a response that must not have one; the function runs to its end."""

    async def send_head(message: Message) -> None:
        await send({**message, "body": b""})

    return send_head
