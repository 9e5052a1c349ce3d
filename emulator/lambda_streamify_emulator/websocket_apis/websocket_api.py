"""One stage of an API Gateway WebSocket API with Lambda proxy integrations.

Sources: Amazon API Gateway Developer Guide, "Overview of WebSocket APIs", "Manage connected users and client apps" and
"Quotas for configuring and running a WebSocket API". Users of AWS report the messages about errors, and that a
handshake whose function fails is answered with 502. None of this has been checked on AWS.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from typing import Any

from ..errors import PreludeError
from ..invocations.channel import FunctionFailed
from ..invocations.invocation import Invocation, new_trace_id
from ..invocations.prelude import CONTENT_TYPE, Prelude
from ..rest_apis.response import parse_whole
from ..sandboxes.pool import SandboxPool, Throttled
from ..template.apis import Api, Route
from ..urls import buffered
from ..urls.event import encode_event
from ..web.asgi import Receive, Scope, Send
from ..web.request import Request
from .connections import DURATION_LIMIT_S, IDLE_TIMEOUT_S, Connection, new_id
from .event import connect_event, disconnect_event, message_event
from .management import Management
from .routes import CONNECT_ROUTE, DISCONNECT_ROUTE, route_of, route_of_message

GOING_AWAY, UNSUPPORTED_DATA, NO_STATUS = 1001, 1003, 1005  # RFC 6455, section 7.4.1
_PROTOCOL_HEADER = "sec-websocket-protocol"
_FORBIDDEN, _FAILED = "Forbidden", "Internal server error"


class IntegrationFailed(Exception):
    """The function has given no valid response; the message says why."""


class WebSocketApi:
    """The ASGI application of an API: WebSocket connections, and `@connections` by HTTP.

    `warn` is called with the function's name and a problem that the client does not see. For `public_host`, see
    Settings. Times are in seconds.
    """

    def __init__(
        self,
        api: Api,
        pools: Mapping[str, SandboxPool],
        warn: Callable[[str, str], None],
        public_host: str | None = None,
        *,
        clock: Callable[[], float] = time.time,
        idle_timeout: float = IDLE_TIMEOUT_S,
        duration_limit: float = DURATION_LIMIT_S,
    ) -> None:
        self._api = api
        self._pools = pools
        self._warn = warn
        self._public_host = public_host
        self._clock = clock
        self._idle_timeout = idle_timeout
        self._duration_limit = duration_limit
        self._api_id = sha256(api.name.encode()).hexdigest()[:10]
        self._connections: dict[str, Connection] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._management = Management(api.prefix, self._connections, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or answer one request about connections."""
        if scope["type"] != "websocket":
            await self._management(scope, receive, send)
            return
        await receive()  # websocket.connect
        if scope["path"].rstrip("/") != self._api.prefix:
            await _reject(send, 403, _FORBIDDEN)
            return
        request = Request.from_scope({**scope, "method": "GET"}, b"").at(self._public_host)
        connection = self._connection(request, send)
        answer = await self._connect(connection, request)
        if not 200 <= answer.status < 300:
            await _reject(send, answer.status, _FORBIDDEN if answer.status in (401, 403) else _FAILED)
            return
        protocol = next((value for name, value in answer.headers if name.lower() == _PROTOCOL_HEADER), None)
        await send({"type": "websocket.accept", "subprotocol": protocol, "headers": []})
        self._connections[connection.id] = connection
        try:
            code, reason = await self._receive(connection, receive)
        finally:
            del self._connections[connection.id]
        await self._disconnect(connection, code, reason)

    def _connection(self, request: Request, send: Send) -> Connection:
        headers = {name.lower(): value for name, value in request.headers}

        async def send_text(text: str) -> None:
            await send({"type": "websocket.send", "text": text})

        async def close(code: int, reason: str) -> None:
            await send({"type": "websocket.close", "code": code, "reason": reason})

        now = self._clock()
        return Connection(
            domain=headers.get("host", ""),
            api_id=self._api_id,
            identity={"sourceIp": request.client, "userAgent": headers.get("user-agent", "")},
            connected_at=now,
            send_text=send_text,
            close=close,
            last_active_at=now,
        )

    async def _connect(self, connection: Connection, request: Request) -> Prelude:
        """Ask the $connect route, if there is one, whether the client may connect."""
        route = route_of(self._api, CONNECT_ROUTE)
        if route is None:
            return Prelude(200, (), ())
        event = connect_event(self._api, connection, request, new_trace_id(), self._clock())
        try:
            answer, _ = await self._invoke(route, event)
        except IntegrationFailed as error:
            self._warn(route.function, f"{error}; the client gets 502")
            return Prelude(502, (), ())
        return answer

    async def _receive(self, connection: Connection, receive: Receive) -> tuple[int, str]:
        """Answer messages until the end of the connection; return the status code and reason of its close frame."""
        while True:
            try:
                message = await asyncio.wait_for(receive(), self._time_left(connection))
            except asyncio.TimeoutError:
                if self._time_left(connection) <= 0:
                    await connection.close(GOING_AWAY, "Going away")
                    return GOING_AWAY, "Going away"
                continue  # a message was sent meanwhile
            if message["type"] == "websocket.disconnect":
                return message.get("code", NO_STATUS), message.get("reason") or ""
            connection.last_active_at = self._clock()
            text = message.get("text")
            if text is None:
                await connection.close(UNSUPPORTED_DATA, "Binary frames are not supported")
                continue
            task = asyncio.create_task(self._answer(connection, text))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    def _time_left(self, connection: Connection) -> float:
        now = self._clock()
        idle = connection.last_active_at + self._idle_timeout - now
        return max(0.0, min(idle, connection.connected_at + self._duration_limit - now))

    async def _answer(self, connection: Connection, text: str) -> None:
        """Invoke the function for one message. The client gets an error, or the response if the route has one."""
        route = route_of_message(self._api, text)
        if route is None:
            await self._report(connection, _FORBIDDEN)
            return
        event = message_event(self._api, connection, route.path, text, self._clock())
        try:
            _, body = await self._invoke(route, event)
        except IntegrationFailed as error:
            self._warn(route.function, f'{error}; the client gets "{_FAILED}"')
            await self._report(connection, _FAILED)
            return
        if route.has_response and body:
            await self._send(connection, body.decode("utf-8", "replace"))

    async def _disconnect(self, connection: Connection, code: int, reason: str) -> None:
        route = route_of(self._api, DISCONNECT_ROUTE)
        if route is None or self._pools[route.function].is_stopped:
            return
        event = disconnect_event(self._api, connection, code, reason, self._clock())
        try:
            await self._invoke(route, event)
        except IntegrationFailed as error:
            self._warn(route.function, f"{error}; the client is gone")

    async def _invoke(self, route: Route, event: Mapping[str, Any]) -> tuple[Prelude, bytes]:
        """Return the function's response. Raises IntegrationFailed."""
        invocation = Invocation(encode_event(dict(event)), new_trace_id(), streamed=False)
        try:
            await self._pools[route.function].invoke(invocation)
            payload = await asyncio.wait_for(buffered.read_whole(invocation.channel), route.timeout)
            return _read(payload, invocation.channel.content_type)
        except Throttled as error:
            raise IntegrationFailed(error.reason) from error
        except asyncio.TimeoutError as error:
            seconds = f"{route.timeout:g} seconds"
            raise IntegrationFailed(f"the integration's {seconds} are over (TimeoutInMillis)") from error
        except FunctionFailed as error:
            raise IntegrationFailed("the function has failed") from error
        except PreludeError as error:
            raise IntegrationFailed(str(error)) from error
        finally:
            invocation.channel.discard()

    async def _report(self, connection: Connection, message: str) -> None:
        report = {"message": message, "connectionId": connection.id, "requestId": new_id()}
        await self._send(connection, json.dumps(report))

    async def _send(self, connection: Connection, text: str) -> None:
        """Send a message, unless the client is gone."""
        with suppress(OSError):
            await connection.send_text(text)
            connection.last_active_at = self._clock()


def _read(payload: bytes, content_type: str | None) -> tuple[Prelude, bytes]:
    if content_type == CONTENT_TYPE:
        raise PreludeError(
            "the function streams, and WebSocket APIs do not: set STREAMIFY_INVOKE_MODE=auto or buffered"
        )
    return parse_whole(payload, as_binary=False)


async def _reject(send: Send, status: int, message: str) -> None:
    """Answer the handshake with a status other than 101."""
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": json.dumps({"message": message}).encode()})
