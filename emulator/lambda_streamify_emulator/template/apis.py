"""The REST APIs, HTTP APIs and WebSocket APIs of a template.

Sources: Amazon API Gateway Developer Guide, "Stream the integration response", "Amazon API Gateway quotas", "Working
with AWS Lambda proxy integrations for HTTP APIs" and "Create routes for WebSocket APIs".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

REST, HTTP, WEBSOCKET = "REST", "HTTP", "WebSocket"
EDGE = "EDGE"
DEFAULT_TIMEOUT_S = 29
TIMEOUT_LIMIT_S = 900
HTTP_TIMEOUT_LIMIT_S = 30
"""The longest integration timeout of an HTTP API, which is also its default."""
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY")
DEFAULT_STAGE, DEFAULT_ROUTE = "$default", "$default"
ROUTE_SELECTION = "$request.body.action"
FORMAT_1, FORMAT_2 = "1.0", "2.0"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Route:
    """A method of a path, and the function that answers it. `timeout` is the integration timeout in seconds.

    The path of a HTTP API's catch-all route is `$default`. A route of a WebSocket API has its key as its path, and no
    method.
    """

    method: str
    path: str
    function: str
    is_streamed: bool
    timeout: float = DEFAULT_TIMEOUT_S
    preflight: Headers | None = None
    """The headers with which API Gateway itself answers a preflight request; None if the function answers."""
    payload_format: str = FORMAT_1
    """The version of the event's format; a REST API has the first only."""
    has_response: bool = False
    """Whether a WebSocket API sends the function's response to the client."""


@dataclass(frozen=True)
class Api:
    """A REST API, an HTTP API or a WebSocket API with one stage."""

    name: str
    stage: str
    routes: tuple[Route, ...]
    endpoint: str = EDGE
    binary_types: tuple[str, ...] = ()
    kind: str = REST
    """`REST`, `HTTP` or `WEBSOCKET`."""
    cors: Mapping[str, Any] | None = None
    """The CorsConfiguration of an HTTP API; None if it has none."""
    route_selection: str = ROUTE_SELECTION
    """The RouteSelectionExpression of a WebSocket API."""

    @property
    def prefix(self) -> str:
        """What a path begins with: the stage, unless it is the one that HTTP APIs have by default."""
        return "/" if self.stage == DEFAULT_STAGE else f"/{self.stage}"
