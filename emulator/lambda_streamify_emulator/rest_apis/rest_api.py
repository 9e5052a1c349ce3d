"""One stage of an API Gateway REST API with Lambda proxy integrations.

Sources: Amazon API Gateway Developer Guide, "Gateway response types" for API Gateway's own errors; AWS's knowledge
center, "Troubleshoot API Gateway 5xx errors": a function over its concurrency limit is a 500.
"""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from functools import partial

from ..invocations.channel import ResponseChannel
from ..invocations.invocation import Invocation, new_trace_id
from ..invocations.spool import Spool
from ..sandboxes.pool import SandboxPool, Throttled
from ..template.apis import Api
from ..urls.event import encode_event, lower_names
from ..web.asgi import LEFT_EARLY, Receive, Scope, Send, read_body, respond, respond_unread, run_while_connected
from ..web.cors import preflight_outcome
from ..web.exchange import note
from ..web.request import Request
from .event import is_binary, rest_event
from .response import Later, RestResponse, own_headers, refuse
from .routes import find

REQUEST_LIMIT_BYTES = 10 * 1024 * 1024  # Developer Guide, "Amazon API Gateway quotas"


class RestApi:
    """The ASGI application of an API.

    `warn` is called with the function's name and a problem that the response does not show.
    """

    def __init__(
        self,
        api: Api,
        pools: Mapping[str, SandboxPool],
        warn: Callable[[str, str], None],
        later: Later | None = None,
        public_host: str | None = None,
    ) -> None:
        self._api = api
        self._pools = pools
        self._warn = warn
        self._later = later
        self._public_host = public_host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request_id, trace_id = str(uuid.uuid4()), new_trace_id()
        match = find(self._api, scope["method"], scope["raw_path"].decode("latin-1"))
        note(scope, request_id=request_id)
        if match is None:
            note(scope, reason="no such route")
            # API Gateway's message for an unknown path or method.
            await refuse(send, 403, request_id, "MissingAuthenticationTokenException", "Missing Authentication Token")
            return
        if match.route.preflight is not None:
            sent = lower_names((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
            note(scope, reason=preflight_outcome(sent, match.route.preflight))
            headers = [*own_headers(request_id, trace_id), *match.route.preflight, ("content-type", "application/json")]
            await respond(send, 200, headers, b"{}\n")
            return
        pool = self._pools[match.route.function]
        note(scope, function=pool.function.name)
        limit = None if pool.limits.request is None else REQUEST_LIMIT_BYTES
        body = await read_body(receive, limit)
        if body is None:
            note(scope, reason="request too large")
            headers = [*own_headers(request_id, trace_id), ("content-type", "application/json")]
            await respond_unread(receive, send, 413, headers, b'{"message":"Request Too Long"}')
            return
        request = Request.from_scope(scope, body)
        seen, domain = request.at(self._public_host), self._public_host
        event = encode_event(
            rest_event(self._api, match, seen, trace_id, time.time(), request_id=request_id, domain=domain)
        )
        if pool.limits.request is not None and len(event) > pool.limits.request:
            note(scope, reason="request too large")
            await refuse(send, 413, request_id, "RequestTooLargeException", "Request Too Long")
            return
        spooled = ResponseChannel(Spool(partial(self._warn, pool.function.name)))
        invocation = Invocation(event, trace_id, request_id, streamed=match.route.is_streamed, channel=spooled)
        try:
            await pool.invoke(invocation)
        except Throttled as error:
            self._warn(pool.function.name, f"{error.reason}; the client gets 500")
            note(scope, reason=f"throttled: {error.reason}")
            await refuse(send, 500, request_id, "InternalServerErrorException", "Internal server error")
            return
        warn = partial(self._warn, pool.function.name)
        later = self._later or asyncio.get_running_loop().call_later
        accepted = next((value for name, value in request.headers if name == "accept"), "")

        async def answer(send: Send) -> None:
            response = RestResponse(self._api, match.route, invocation, send, warn, later=later)
            response.as_binary = is_binary(self._api, accepted.partition(",")[0])  # only the first type counts
            await response.answer()

        try:
            if not await run_while_connected(scope, receive, send, answer):
                warn(LEFT_EARLY)
        finally:
            invocation.channel.discard()
