"""The routes of a WebSocket API: finds the one for a message.

Source: Amazon API Gateway Developer Guide, "Create routes for WebSocket APIs": the route selection expression names a
property of a JSON message. A message that is not JSON, or whose value is no route's key, belongs to $default.
"""

import json
import re
from typing import Any

from ..template.apis import DEFAULT_ROUTE, Api, Route

CONNECT_ROUTE, DISCONNECT_ROUTE = "$connect", "$disconnect"
_PROPERTY = re.compile(r"\$\{?request\.body\.(?P<path>[^{}]+)\}?")


def route_of(api: Api, key: str) -> Route | None:
    """Return the route with this key; None if the API has none."""
    return next((route for route in api.routes if route.path == key), None)


def route_of_message(api: Api, text: str) -> Route | None:
    """Return the route of a message with this text; None if no route takes it."""
    key = _selected(api.route_selection, text)
    own = key not in (CONNECT_ROUTE, DISCONNECT_ROUTE, None)
    return (route_of(api, str(key)) if own else None) or route_of(api, DEFAULT_ROUTE)


def _selected(expression: str, text: str) -> str | None:
    """Return the value of the route selection expression for a message; None if it has none."""
    match = _PROPERTY.fullmatch(expression)
    if match is None:
        return None
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for name in match["path"].split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value if isinstance(value, str) else None
