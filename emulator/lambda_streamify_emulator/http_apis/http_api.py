"""One stage of an API Gateway HTTP API with Lambda proxy integrations. HTTP APIs do not stream.

Sources: Amazon API Gateway Developer Guide, "Quotas for configuring and running an HTTP API" and "Configuring CORS for
an HTTP API": API Gateway answers preflight requests itself, and ignores the function's CORS headers.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial

from ..errors import PreludeError
from ..invocations.channel import FunctionFailed
from ..invocations.invocation import Invocation, new_trace_id
from ..sandboxes.pool import SandboxPool, Throttled
from ..template.apis import Api, Route
from ..template.cors import lenient_cors
from ..urls import buffered
from ..urls.event import encode_event, lower_names
from ..web.asgi import LEFT_EARLY, Receive, Scope, Send, read_body, respond, respond_unread, run_while_connected
from ..web.cors import is_preflight, preflight_outcome
from ..web.exchange import note
from ..web.request import Request
from ..web.response_headers import Headers
from .event import http_event
from .response import own_message, read_response, response_headers
from .routes import find_route

REQUEST_LIMIT_BYTES = 10 * 1024 * 1024


class HttpApi:
    """The ASGI application of an API.

    `warn` is called with the function's name and a problem that the response does not show. For `public_host`, see
    Settings.
    """

    def __init__(
        self,
        api: Api,
        pools: Mapping[str, SandboxPool],
        warn: Callable[[str, str], None],
        public_host: str | None = None,
    ) -> None:
        self._api = api
        self._pools = pools
        self._warn = warn
        self._public_host = public_host
        self._cors = None if api.cors is None else lenient_cors(api.cors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id, trace_id = str(uuid.uuid4()), new_trace_id()
        headers = lower_names((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        origin = headers.get("origin", "")
        note(scope, request_id=request_id)
        if self._cors is not None and is_preflight(scope["method"], headers):
            allowed = self._cors.preflight(origin)
            note(scope, reason=preflight_outcome(headers, allowed))
            await respond(send, 204, [("apigw-requestid", request_id), *allowed], b"")
            return
        cors = None if self._cors is None else self._cors.actual_response(origin)
        match = find_route(self._api, scope["method"], scope["raw_path"].decode("latin-1"))
        if match is None:
            note(scope, reason="no such route")
            await self._refuse(send, request_id, cors, 404, "Not Found")
            return
        pool = self._pools[match.route.function]
        note(scope, function=pool.function.name)
        body = await read_body(receive, None if pool.limits.request is None else REQUEST_LIMIT_BYTES)
        if body is None:
            note(scope, reason="request too large")
            status, fields, text = own_message(413, "Request Entity Too Large")
            await respond_unread(receive, send, status, [("apigw-requestid", request_id), *fields], text)
            return
        request = Request.from_scope(scope, body)
        seen, domain = request.at(self._public_host), self._public_host
        event = encode_event(
            http_event(self._api, match, seen, trace_id, time.time(), request_id=request_id, domain=domain)
        )
        if pool.limits.request is not None and len(event) > pool.limits.request:
            note(scope, reason="request too large")
            await self._refuse(send, request_id, cors, 413, "Request Entity Too Large")
            return
        invocation = Invocation(event, trace_id, request_id, streamed=False)
        warn = partial(self._warn, pool.function.name)
        try:
            await pool.invoke(invocation)
        except Throttled as error:
            note(scope, reason=f"throttled: {error.reason}")
            warn(f"{error.reason}; the client gets 503")
            await self._refuse(send, request_id, cors, 503, "Service Unavailable")
            return
        answer = partial(self._answer, invocation, match.route, cors)
        try:
            if not await run_while_connected(scope, receive, send, answer):
                warn(LEFT_EARLY)
        finally:
            invocation.channel.discard()

    async def _answer(self, invocation: Invocation, route: Route, cors: Headers | None, send: Send) -> None:
        warn, request_id = partial(self._warn, route.function), invocation.request_id
        channel = invocation.channel
        try:
            payload = await asyncio.wait_for(buffered.read_whole(channel), route.timeout)
            fields, body = read_response(route, payload, channel.content_type)
        except asyncio.TimeoutError:
            warn(f"the integration's {route.timeout:g} seconds are over (TimeoutInMillis); the client gets 503")
            await self._refuse(send, request_id, cors, 503, "Service Unavailable")
        except FunctionFailed:
            await self._refuse(send, request_id, cors, 500, "Internal Server Error")
        except PreludeError as error:
            warn(f"{error}; the client gets 500")
            await self._refuse(send, request_id, cors, 500, "Internal Server Error")
        else:
            await respond(send, fields.status, response_headers(fields, request_id, cors), body)

    async def _refuse(self, send: Send, request_id: str, cors: Headers | None, status: int, message: str) -> None:
        code, fields, body = own_message(status, message)
        await respond(send, code, [("apigw-requestid", request_id), *fields, *(cors or ())], body)
