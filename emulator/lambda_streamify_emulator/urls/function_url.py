"""The function URL of one function: checks requests, invokes the function and sends its response.

Sources: AWS Lambda Developer Guide, "Lambda function URLs" and "Lambda quotas". Preflight requests need no signature,
because browsers do not sign them. The body of a 413 is a choice of this emulator.
"""

import time
import uuid
from collections.abc import Callable
from typing import Any

from ..invocations.invocation import Invocation, new_trace_id
from ..sandboxes.pool import SandboxPool, Throttled
from ..template.cors import read_cors
from ..template.reader import RESPONSE_STREAM
from ..web.asgi import (
    LEFT_EARLY,
    TOO_LARGE,
    Receive,
    Scope,
    Send,
    read_body,
    respond,
    respond_unread,
    run_while_connected,
)
from ..web.cors import add_headers, is_preflight, preflight_outcome
from ..web.exchange import note
from ..web.iam import Iam
from ..web.request import Request
from .event import encode_event, lower_names, url_event
from .response import UrlResponse, own_headers

_JSON = ("content-type", "application/json")
_DOMAIN = ".lambda-url."  # in the domain name of each function URL


class FunctionUrl:
    """The ASGI application behind the URL.

    `warn` is called with problems that the response does not show. With `iam`, requests must be signed. For
    `cuts_errors` and `public_host`, see Settings.
    """

    def __init__(
        self,
        pool: SandboxPool,
        warn: Callable[[str], None],
        iam: Iam | None = None,
        *,
        cuts_errors: bool = False,
        public_host: str | None = None,
    ) -> None:
        self._pool = pool
        self._warn = warn
        self._iam = iam
        self._cuts_errors = cuts_errors
        self._public_host = public_host
        # The domain name is how the runtime recognises a function URL, and on AWS no URL has another one.
        self._domain = public_host if public_host is not None and _DOMAIN in public_host else None
        cors = pool.function.cors
        self._cors = None if cors is None else read_cors(pool.function.name, cors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id, trace_id = str(uuid.uuid4()), new_trace_id()
        note(scope, function=self._pool.function.name, request_id=request_id)
        headers = lower_names((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        added = []
        if self._cors is not None:
            origin = headers.get("origin", "")
            if is_preflight(scope["method"], headers):
                allowed = self._cors.preflight(origin)
                note(scope, reason=preflight_outcome(headers, allowed))
                answer = [("x-amzn-requestid", request_id), _JSON, *allowed]
                await respond(send, 200, answer, b"")
                return
            added = self._cors.actual_response(origin)
            send = add_headers(send, added) if added else send
        limit = self._pool.limits.request
        body = None if _is_longer(headers, limit) else await read_body(receive, limit)
        if body is None:
            note(scope, reason="request too large")
            await respond_unread(receive, send, *_too_large(request_id))
            return
        request = Request.from_scope(scope, body)
        rejected = self._iam and self._iam.reject(request)
        if rejected:
            self._warn(rejected.note)
            note(scope, reason="not signed as the URL requires")
            await respond(send, 403, [("x-amzn-requestid", request_id), *rejected.headers], rejected.body)
            return
        event = encode_event(self._event(request, trace_id, request_id))
        if limit is not None and len(event) > limit:
            note(scope, reason="request too large")
            await respond(send, *_too_large(request_id))
            return
        streamed = self._pool.function.invoke_mode == RESPONSE_STREAM
        invocation = Invocation(event, trace_id, request_id, streamed=streamed)
        try:
            await self._pool.invoke(invocation)
        except Throttled as error:
            note(scope, reason=f"throttled: {error.reason}")
            answer = [*own_headers(invocation), _JSON, ("x-amzn-errortype", "TooManyRequestsException")]
            await respond(send, 429, answer, b'{"message":"Rate Exceeded."}')
            return

        async def respond_with(send: Send) -> None:
            response = UrlResponse(invocation, send, self._warn, added, cuts_errors=self._cuts_errors)
            await (response.stream() if streamed else response.send_whole())

        try:
            if not await run_while_connected(scope, receive, send, respond_with):
                self._warn(LEFT_EARLY)
        finally:
            invocation.channel.discard()

    def _event(self, request: Request, trace_id: str, request_id: str) -> dict[str, Any]:
        name, seen = self._pool.function.name, request.at(self._public_host)
        event = url_event(seen, name, trace_id, time.time(), request_id=request_id, domain=self._domain)
        return self._iam.identify(event) if self._iam else event


def _is_longer(headers: dict[str, str], limit: int | None) -> bool:
    """Whether the Content-Length exceeds the limit, so that the body need not be read."""
    length = headers.get("content-length", "")
    return limit is not None and length.isdecimal() and int(length) > limit


def _too_large(request_id: str) -> tuple[int, list[tuple[str, str]], bytes]:
    return 413, [("x-amzn-requestid", request_id), _JSON], b'{"message":"%b"}' % TOO_LARGE.encode()
