"""Reads the request by which an extension subscribes to the Telemetry API, or to the older Logs API.

Sources: AWS Lambda Developer Guide, "Lambda Telemetry API" and "Lambda Logs API"; the bounds of buffering are also
those of the JSON schema in AWS's Runtime Interface Emulator.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TYPES = ("platform", "function", "extension")
HOSTS = ("sandbox.localdomain", "sandbox")  # the second is what AWS's emulator accepts, too
RESERVED_PORT = 9001  # Lambda's own
# The least, the greatest and the default value.
_MAX_ITEMS = (1_000, 10_000, 10_000)
_MAX_BYTES = (262_144, 1_048_576, 262_144)
_TIMEOUT_MS = (25, 30_000, 1_000)


class InvalidSubscription(Exception):
    """The request to subscribe is not valid. The message says why."""


@dataclass(frozen=True)
class Api:
    """One of the two APIs. `versions` are the schema versions that it knows, the oldest first."""

    name: str
    versions: tuple[str, ...]
    has_default: bool
    """Whether the oldest version may be omitted from a request."""
    validation_error: str
    """The error type of a request that is not valid."""
    subscribed: str
    """The type of the event that reports a subscription."""


TELEMETRY = Api(
    "Telemetry",
    ("2022-07-01", "2022-12-13", "2025-01-29"),
    has_default=False,
    validation_error="ValidationError",
    subscribed="platform.telemetrySubscription",
)
LOGS = Api(
    "Logs",
    ("2020-08-15", "2021-03-18"),
    has_default=True,
    validation_error="Logs.ValidationError",
    subscribed="platform.logsSubscription",
)


@dataclass(frozen=True)
class Destination:
    """A port on this machine. Events go there by HTTP to `path`, or as lines over TCP if `method` is None."""

    port: int
    method: str | None = "POST"
    path: str = "/"


@dataclass(frozen=True)
class Subscription:
    """The events that a subscriber wants, and how it gets them."""

    api: Api
    version: str
    types: tuple[str, ...]
    destination: Destination
    max_items: int = _MAX_ITEMS[2]
    max_bytes: int = _MAX_BYTES[2]
    timeout_s: float = _TIMEOUT_MS[2] / 1000


def read_subscription(body: bytes, api: Api) -> Subscription:
    """Return the subscription in the body of a request. Raises InvalidSubscription."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidSubscription(f"the body is not JSON: {error}") from error
    if not isinstance(request, dict):
        raise InvalidSubscription("the body is not a JSON object")
    buffering = request.get("buffering") or {}
    if not isinstance(buffering, dict):
        raise InvalidSubscription("buffering is not an object")
    return Subscription(
        api=api,
        version=_version(request, api),
        types=_types(request),
        destination=_destination(request.get("destination"), api),
        max_items=_bounded(buffering, "maxItems", _MAX_ITEMS),
        max_bytes=_bounded(buffering, "maxBytes", _MAX_BYTES),
        timeout_s=_bounded(buffering, "timeoutMs", _TIMEOUT_MS) / 1000,
    )


def _version(request: Mapping[str, Any], api: Api) -> str:
    version = request.get("schemaVersion")
    if version is None and api.has_default:
        return api.versions[0]
    if version not in api.versions:
        raise InvalidSubscription(f"schemaVersion is {version!r} instead of one of {', '.join(api.versions)}")
    return str(version)


def _types(request: Mapping[str, Any]) -> tuple[str, ...]:
    types = request.get("types")
    if not isinstance(types, list) or not types:
        raise InvalidSubscription("types should not be empty")
    for name in types:
        if name not in TYPES:
            raise InvalidSubscription(f"types: {name!r} is none of {', '.join(TYPES)}")
    return tuple(dict.fromkeys(types))


def _bounded(buffering: Mapping[str, Any], name: str, bounds: tuple[int, int, int]) -> int:
    least, greatest, default = bounds
    value = buffering.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= greatest:
        raise InvalidSubscription(f"buffering.{name} is {value!r} instead of a number from {least} to {greatest}")
    return value


def _destination(destination: Any, api: Api) -> Destination:
    if not isinstance(destination, dict):
        raise InvalidSubscription("destination is missing")
    protocol = destination.get("protocol")
    if protocol == "TCP":
        return Destination(_port(destination.get("port")), method=None)
    if protocol != "HTTP":
        raise InvalidSubscription(f"destination.protocol is {protocol!r} instead of HTTP or TCP")
    method = destination.get("method", "POST") if api is LOGS else "POST"
    if method not in ("POST", "PUT"):
        raise InvalidSubscription(f"destination.method is {method!r} instead of POST or PUT")
    uri = destination.get("URI")
    try:
        parts = urlsplit(uri if isinstance(uri, str) else "")
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidSubscription(f"destination.URI: {error}") from error
    if parts.scheme != "http" or host not in HOSTS:
        raise InvalidSubscription(f"destination.URI is {uri!r} instead of http://{HOSTS[0]}:PORT")
    if port is None:
        raise InvalidSubscription("URI port is not provided")
    return Destination(_port(port), method, parts.path + (f"?{parts.query}" if parts.query else "") or "/")


def _port(port: Any) -> int:
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port < 1 << 16:
        raise InvalidSubscription(f"the destination's port is {port!r} instead of a number from 1 to 65535")
    if port == RESERVED_PORT:
        raise InvalidSubscription(f"the destination's port is {port}, which Lambda reserves")
    return port
