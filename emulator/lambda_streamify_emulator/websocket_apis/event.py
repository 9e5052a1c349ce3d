"""The events that a WebSocket API creates for a connection: CONNECT, MESSAGE and DISCONNECT.

Source: Amazon API Gateway Developer Guide, "Set up a WebSocket API integration request" and "Manage connected users and
client apps: $connect and $disconnect routes"; the fields as in the events of AWS's aws-lambda-go and Powertools.
`domainName` is the emulator's address, as clients use it; on AWS it is always a name without a port.
"""

import time
from typing import Any
from urllib.parse import parse_qsl

from ..rest_apis.event import header_lists, last_values, value_lists
from ..template.apis import Api
from ..web.request import Request
from .connections import Connection, new_id
from .routes import CONNECT_ROUTE, DISCONNECT_ROUTE

CONNECT, MESSAGE, DISCONNECT = "CONNECT", "MESSAGE", "DISCONNECT"


def connect_event(api: Api, connection: Connection, request: Request, trace_id: str, now: float) -> dict[str, Any]:
    """Return the event of the request that opens the connection, received at `now`, in seconds since 1970."""
    headers = header_lists(request, trace_id)
    event = _event(api, connection, CONNECT, CONNECT_ROUTE, now)
    event |= {"headers": last_values(headers), "multiValueHeaders": headers}
    query = value_lists(parse_qsl(request.query, keep_blank_values=True))
    if query:
        event |= {"queryStringParameters": last_values(query), "multiValueQueryStringParameters": query}
    return event


def message_event(api: Api, connection: Connection, route_key: str, body: str, now: float) -> dict[str, Any]:
    """Return the event of a message with this text."""
    event = _event(api, connection, MESSAGE, route_key, now)
    event["requestContext"]["messageId"] = new_id()
    return event | {"body": body}


def disconnect_event(api: Api, connection: Connection, code: int, reason: str, now: float) -> dict[str, Any]:
    """Return the event after the end of the connection, with the status code and reason of its close frame."""
    event = _event(api, connection, DISCONNECT, DISCONNECT_ROUTE, now)
    event["requestContext"] |= {"disconnectStatusCode": code, "disconnectReason": reason}
    return event


def _event(api: Api, connection: Connection, kind: str, route_key: str, now: float) -> dict[str, Any]:
    context = {
        "routeKey": route_key,
        "eventType": kind,
        "extendedRequestId": new_id(),
        "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
        "messageDirection": "IN",
        "stage": api.stage,
        "connectedAt": int(connection.connected_at * 1000),
        "requestTimeEpoch": int(now * 1000),
        "identity": connection.identity,
        "requestId": new_id(),
        "domainName": connection.domain,
        "connectionId": connection.id,
        "apiId": connection.api_id,
    }
    return {"requestContext": context, "isBase64Encoded": False}
