"""The function URL of one function: who may call it, what the function gets, and when it is not asked at all.

Sources: AWS Lambda Developer Guide, "Lambda function URLs" and "Lambda quotas". That a preflight request needs no
signature follows from what browsers send; the body of a 413 is a choice of this emulator.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

from ..invocations.invocation import Invocation, new_trace_id
from ..sandboxes.pool import SandboxPool, Throttled
from ..template.reader import RESPONSE_STREAM
from ..web.asgi import TOO_LARGE, Receive, Scope, Send, noticing, read_body, respond, respond_unread
from ..web.cors import adding, is_preflight, read_cors
from ..web.iam import Iam
from .event import Request, encode_event, lowered, url_event
from .response import UrlResponse, own_headers

_JSON = ("content-type", "application/json")


class FunctionUrl:
    """The ASGI application behind the URL. `warn` is told what the client cannot see; `iam` knows who may call it."""

    def __init__(
        self, pool: SandboxPool, warn: Callable[[str], None], iam: Iam | None = None, *, cuts_errors: bool = False
    ) -> None:
        self._pool = pool
        self._warn = warn
        self._iam = iam
        self._cuts_errors = cuts_errors
        cors = pool.function.cors
        self._cors = None if cors is None else read_cors(pool.function.name, cors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id, trace_id = str(uuid.uuid4()), new_trace_id()
        headers = lowered((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        added = []
        if self._cors is not None:
            origin = headers.get("origin", "")
            if is_preflight(scope["method"], headers):
                answer = [("x-amzn-requestid", request_id), _JSON, *self._cors.preflight(origin)]
                await respond(send, 200, answer, b"")
                return
            added = self._cors.others(origin)
            send = adding(send, added) if added else send
        limit = self._pool.limits.request
        body = None if _is_longer(headers, limit) else await read_body(receive, limit)
        if body is None:
            await respond_unread(receive, send, *_too_large(request_id))
            return
        request = _request(scope, body)
        rejected = self._iam and self._iam.reject(request)
        if rejected:
            self._warn(rejected.note)
            await respond(send, 403, [("x-amzn-requestid", request_id), *rejected.headers], rejected.body)
            return
        event = encode_event(self._event(request, trace_id, request_id))
        if limit is not None and len(event) > limit:
            await respond(send, *_too_large(request_id))
            return
        streamed = self._pool.function.invoke_mode == RESPONSE_STREAM
        invocation = Invocation(event, trace_id, request_id, streamed=streamed)
        try:
            await self._pool.invoke(invocation)
        except Throttled:
            answer = [*own_headers(invocation), _JSON, ("x-amzn-errortype", "TooManyRequestsException")]
            await respond(send, 429, answer, b'{"message":"Rate Exceeded."}')
            return
        response = UrlResponse(invocation, send, self._warn, added, cuts_errors=self._cuts_errors)
        try:
            async with noticing(receive, invocation.channel.discard):
                await (response.stream() if streamed else response.send_whole())
        finally:
            invocation.channel.discard()

    def _event(self, request: Request, trace_id: str, request_id: str) -> dict[str, Any]:
        event = url_event(request, self._pool.function.name, trace_id, time.time(), request_id=request_id)
        return self._iam.identify(event) if self._iam else event


def _request(scope: Scope, body: bytes) -> Request:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
    return Request(scope["method"], path, query, headers, scope["client"][0], body, scope["http_version"])


def _is_longer(headers: dict[str, str], limit: int | None) -> bool:
    """Whether a request says of itself that it is too long: then the client is not asked to go on with it."""
    length = headers.get("content-length", "")
    return limit is not None and length.isdecimal() and int(length) > limit


def _too_large(request_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    return 413, [("x-amzn-requestid", request_id), _JSON], b'{"message":"%b"}' % TOO_LARGE.encode()
