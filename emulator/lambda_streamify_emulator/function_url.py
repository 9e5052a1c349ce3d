"""The function URL of one function, in either invoke mode.

Sources: AWS Lambda Developer Guide, "Lambda function URLs" and "Response streaming". What it does not say is a choice
of this emulator: an error after the first byte ends the body as if it were whole, an error before it is a 502.
"""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from . import buffered, prelude
from .asgi import TOO_LARGE, Message, Receive, Scope, Send, read_body, respond, start
from .channel import FunctionFailed
from .errors import PreludeError
from .iam import Iam
from .invocation import Invocation, new_trace_id
from .pool import SandboxPool, Throttled
from .template import RESPONSE_STREAM
from .url_event import Request, encode_event, url_event

# Headers of one connection (RFC 9110, section 7.6.1), and the length, which a stream does not know.
DROPPED = {"connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}


class FunctionUrl:
    """The ASGI application behind the URL. `warn` is told what the client cannot see; `iam` knows who may call it."""

    def __init__(self, pool: SandboxPool, warn: Callable[[str], None], iam: Iam | None = None) -> None:
        self._pool = pool
        self._warn = warn
        self._iam = iam

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        limit = self._pool.limits.request
        body = await read_body(receive, limit)
        trace_id = new_trace_id()
        request = _request(scope, body or b"")
        rejected = self._iam and body is not None and self._iam.reject(request)
        if rejected:
            self._warn(rejected.note)
            await respond(send, 403, rejected.headers, rejected.body)
            return
        event = b"" if body is None else encode_event(self._event(request, trace_id))
        if body is None or (limit is not None and len(event) > limit):
            await respond(send, 413, [("content-type", "application/json")], b'{"message":"%b"}' % TOO_LARGE.encode())
            return
        streamed = self._pool.function.invoke_mode == RESPONSE_STREAM
        invocation = Invocation(event, trace_id, streamed=streamed)
        try:
            await self._pool.invoke(invocation)
        except Throttled:
            headers = [*_own_headers(invocation), ("content-type", "application/json")]
            headers.append(("x-amzn-errortype", "TooManyRequestsException"))
            await respond(send, 429, headers, b'{"message":"Rate Exceeded."}')
            return
        try:
            await (self._answer if streamed else self._answer_whole)(invocation, send)
        finally:
            invocation.channel.discard()

    def _event(self, request: Request, trace_id: str) -> dict[str, Any]:
        event = url_event(request, self._pool.function.name, trace_id, time.time())
        return self._iam.identify(event) if self._iam else event

    async def _answer_whole(self, invocation: Invocation, send: Send) -> None:
        try:
            payload = await buffered.whole(invocation.channel)
            fields, body = buffered.parse(payload, invocation.channel.content_type or "")
        except (FunctionFailed, PreludeError) as error:
            await self._answer_failed(invocation, error, send)
            return
        bodiless = fields.status in (204, 304)
        await respond(send, fields.status, _headers(invocation, fields), b"" if bodiless else body)

    async def _answer_failed(self, invocation: Invocation, error: FunctionFailed | PreludeError, send: Send) -> None:
        if isinstance(error, PreludeError):
            self._warn(f"{error}; the client gets 502")
        headers = [*_own_headers(invocation), ("content-type", "text/plain")]
        await respond(send, 502, headers, b"Internal Server Error")

    async def _answer(self, invocation: Invocation, send: Send) -> None:
        channel = invocation.channel
        try:
            content_type = await channel.started()
            pieces = channel.pieces()
            head = await _read_prelude(pieces, content_type)
        except (FunctionFailed, PreludeError) as error:
            await self._answer_failed(invocation, error, send)
            return
        fields, first = head
        await start(send, fields.status, _headers(invocation, fields))
        # RFC 9110, section 6.4.1. HEAD's body uvicorn drops itself.
        await _stream(pieces, first, _without_body(send) if fields.status in (204, 304) else send)
        if channel.error is not None:
            self._warn(f"{channel.error.error_type} after the response began: the client sees a body that ends early")


def _request(scope: Scope, body: bytes) -> Request:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return Request(scope["method"], path, query, headers, scope["client"][0], body)


def _own_headers(invocation: Invocation) -> list[tuple[str, str]]:
    return [("x-amzn-requestid", invocation.request_id), ("x-amzn-trace-id", invocation.trace_id)]


def _headers(invocation: Invocation, fields: prelude.Prelude) -> list[tuple[str, str]]:
    headers = [pair for pair in fields.headers if pair[0].lower() not in DROPPED]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", "application/octet-stream"))
    return [*_own_headers(invocation), *headers, *(("set-cookie", cookie) for cookie in fields.cookies)]


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


async def _stream(pieces: AsyncIterator[bytes], first: bytes, send: Send) -> None:
    # The head goes out with the first body message, which an empty one is too.
    await send({"type": "http.response.body", "body": first, "more_body": True})
    async for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _without_body(send: Send) -> Send:
    """Drops what a runtime sends as the body of a response that must have none; the function runs to its end."""

    async def send_head(message: Message) -> None:
        await send({**message, "body": b""})

    return send_head
