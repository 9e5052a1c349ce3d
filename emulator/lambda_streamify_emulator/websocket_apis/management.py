"""`@connections`: with it a backend sends messages to clients, describes their connections, and closes them.

Source: Amazon API Gateway Management API, "PostToConnection", "GetConnection" and "DeleteConnection". AWS requires
requests that are signed for `execute-api`. The emulator requires a signature and does not verify it: the function may
have credentials that the emulator does not know. What AWS answers to an unsigned request has not been checked.
"""

import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from ..web.asgi import Receive, Scope, Send, read_body, respond, respond_unread
from .connections import MESSAGE_LIMIT_BYTES, Connection

PATH = "/@connections/"
_GONE = (410, "GoneException", "Gone")
_GOING_AWAY = 1001  # RFC 6455, section 7.4.1


class Management:
    """The HTTP side of a WebSocket API: an ASGI application for the paths under `prefix`, the stage."""

    def __init__(
        self, prefix: str, connections: Mapping[str, Connection], clock: Callable[[], float] = time.time
    ) -> None:
        self._prefix = prefix
        self._connections = connections
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = unquote(scope["raw_path"].decode("latin-1"))
        _, found, id_ = path.partition(self._prefix + PATH)
        if not found or not id_:
            await _refuse(receive, send, 403, "ForbiddenException", "Forbidden")
            return
        if not any(name == b"authorization" for name, _ in scope["headers"]):
            message = "Missing Authentication Token"
            await _refuse(receive, send, 403, "MissingAuthenticationTokenException", message)
            return
        connection = self._connections.get(id_)
        if connection is None:
            await _refuse(receive, send, *_GONE)
            return
        answer = {"POST": self._post, "GET": self._get, "DELETE": self._delete}.get(scope["method"])
        if answer is None:
            await _refuse(receive, send, 403, "ForbiddenException", "Forbidden")
            return
        await answer(connection, receive, send)

    async def _post(self, connection: Connection, receive: Receive, send: Send) -> None:
        body = await read_body(receive, MESSAGE_LIMIT_BYTES)
        if body is None:
            await _refuse(receive, send, 413, "PayloadTooLargeException", "Message too long")
            return
        try:
            await connection.send_text(body.decode("utf-8", "replace"))
        except OSError:  # the client has disconnected, and its connection is about to be forgotten
            await _refuse(receive, send, *_GONE)
            return
        connection.last_active_at = self._clock()
        await respond(send, 200, [], b"")

    async def _get(self, connection: Connection, _: Receive, send: Send) -> None:
        found = {
            "connectedAt": _timestamp(connection.connected_at),
            "identity": connection.identity,
            "lastActiveAt": _timestamp(connection.last_active_at),
        }
        await respond(send, 200, [("content-type", "application/json")], json.dumps(found).encode())

    async def _delete(self, connection: Connection, _: Receive, send: Send) -> None:
        await connection.close(_GOING_AWAY, "Connection Closed Normally")
        await respond(send, 204, [], b"")


async def _refuse(receive: Receive, send: Send, status: int, error_type: str, message: str) -> None:
    headers = [("content-type", "application/json"), ("x-amzn-errortype", error_type)]
    await respond_unread(receive, send, status, headers, json.dumps({"message": message}).encode())


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
