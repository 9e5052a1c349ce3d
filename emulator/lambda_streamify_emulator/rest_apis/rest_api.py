"""A REST API of API Gateway with its Lambda proxy integrations, one stage of it.

Source: Amazon API Gateway Developer Guide. Errors of API Gateway's own are those of its "Gateway response types"; that
a function over its concurrency is a 500 is from AWS's knowledge center, "Troubleshoot API Gateway 5xx errors".
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping

from ..invocations.invocation import Invocation, new_trace_id
from ..sandboxes.pool import SandboxPool, Throttled
from ..template.apis import Api
from ..urls.event import Request, encode_event
from ..web.asgi import Receive, Scope, Send, noticing, read_body, respond, respond_unread
from .event import is_binary, rest_event
from .response import Later, RestResponse, own_headers, refuse
from .routes import find

LIMIT = 10 * 1024 * 1024  # bytes of a request: Developer Guide, "Amazon API Gateway quotas"


class RestApi:
    """The ASGI application of an API. `warn` is told, with the function's name, what the client cannot see."""

    def __init__(
        self,
        api: Api,
        pools: Mapping[str, SandboxPool],
        warn: Callable[[str, str], None],
        later: Later | None = None,
    ) -> None:
        self._api = api
        self._pools = pools
        self._warn = warn
        self._later = later

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id, trace_id = str(uuid.uuid4()), new_trace_id()
        path = scope["raw_path"].decode("latin-1")
        match = find(self._api, scope["method"], path)
        if match is None:
            # API Gateway's words, for a path or a method that it does not have.
            await refuse(send, 403, request_id, "MissingAuthenticationTokenException", "Missing Authentication Token")
            return
        if match.route.preflight is not None:
            headers = [*own_headers(request_id, trace_id), *match.route.preflight, ("content-type", "application/json")]
            await respond(send, 200, headers, b"{}\n")
            return
        pool = self._pools[match.route.function]
        limit = None if pool.limits.request is None else LIMIT
        body = await read_body(receive, limit)
        if body is None:
            headers = [*own_headers(request_id, trace_id), ("content-type", "application/json")]
            await respond_unread(receive, send, 413, headers, b'{"message":"Request Too Long"}')
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        query = scope["query_string"].decode("latin-1")
        request = Request(scope["method"], path, query, headers, scope["client"][0], body, scope["http_version"])
        event = encode_event(rest_event(self._api, match, request, trace_id, time.time(), request_id=request_id))
        if pool.limits.request is not None and len(event) > pool.limits.request:
            await refuse(send, 413, request_id, "RequestTooLargeException", "Request Too Long")
            return
        invocation = Invocation(event, trace_id, request_id, streamed=match.route.is_streamed)
        try:
            await pool.invoke(invocation)
        except Throttled as error:
            self._warn(pool.function.name, f"{error.reason}; the client gets 500")
            await refuse(send, 500, request_id, "InternalServerErrorException", "Internal server error")
            return
        later = self._later or asyncio.get_running_loop().call_later
        response = RestResponse(
            self._api, match.route, invocation, send, lambda text: self._warn(pool.function.name, text), later=later
        )
        accepted = next((value for name, value in headers if name == "accept"), "")
        response.as_binary = is_binary(self._api, accepted.partition(",")[0])  # API Gateway looks at the first alone
        try:
            async with noticing(receive, invocation.channel.discard):
                await response.answer()
        finally:
            invocation.channel.discard()
