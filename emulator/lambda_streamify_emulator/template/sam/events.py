"""The routes that SAM makes of a function's events of type Api and HttpApi.

Source: AWS SAM specification, "Api" and "HttpApi" (event); SAM's translator 1.115 for what it ignores.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import TemplateError
from ..apis import DEFAULT_ROUTE, DEFAULT_TIMEOUT_S, HTTP, HTTP_TIMEOUT_LIMIT_S, REST, Route
from ..functions import Function
from ..routes import UnservedError, format_of, method_of, path_of, timeout_of
from ..stack import Stack
from ..values import mapping

API, HTTP_API = "AWS::Serverless::Api", "AWS::Serverless::HttpApi"
IMPLICIT = {REST: "ServerlessRestApi", HTTP: "ServerlessHttpApi"}
TYPES = {REST: API, HTTP: HTTP_API}
_STREAMED = "RESPONSE_STREAM"  # SAM's value of ResponseTransferMode
_KINDS = {"Api": REST, "HttpApi": HTTP}


@dataclass(frozen=True)
class Event:
    """An event that makes a route of the API with this logical id."""

    api: str
    kind: str
    route: Route


def routed_events(stack: Stack, function: Function, notices: list[str]) -> Iterator[Event]:
    """Yield the events of `function` that make routes; add messages about what of them is not served."""
    where = f"{stack.path}: {function.logical_id}: Events"
    for id_, event in mapping(where, stack.raw(function.logical_id).get("Events")).items():
        kind = _KINDS.get(str(event.get("Type"))) if isinstance(event, dict) else None
        if kind is None:
            continue
        at = f"{where}: {id_}"
        try:
            resolved = stack.intrinsics.resolve(event.get("Properties") or {})
            properties = mapping(f"{at}: Properties", resolved)
            read = _rest_route if kind == REST else _http_route
            yield Event(_api(stack, kind, properties), kind, read(at, function, properties))
        except (UnservedError, TemplateError) as error:
            reason = str(error).removeprefix(f"{at}: ")
            notices.append(f"{function.name}: the event {id_} is not served: {reason}")
            continue
        if properties.get("Auth") is not None:
            notices.append(
                f"{function.name}: the event {id_}: the emulator does not enforce its Auth: everybody may call it"
            )


def _api(stack: Stack, kind: str, properties: Mapping[str, Any]) -> str:
    key = "RestApiId" if kind == REST else "ApiId"
    api = properties.get(key, IMPLICIT[kind])
    if api == IMPLICIT[kind] or (isinstance(api, str) and stack.resources.get(api, {}).get("Type") == TYPES[kind]):
        return str(api)
    raise UnservedError(f"its {key} is none of {TYPES[kind]}")


def _rest_route(where: str, function: Function, properties: Mapping[str, Any]) -> Route:
    path, method = path_of(where, properties.get("Path")), method_of(where, properties.get("Method"))
    timeout = timeout_of(where, "TimeoutInMillis", properties.get("TimeoutInMillis"), DEFAULT_TIMEOUT_S)
    return Route(method, path, function.name, properties.get("ResponseTransferMode") == _STREAMED, timeout)


def _http_route(where: str, function: Function, properties: Mapping[str, Any]) -> Route:
    limit = HTTP_TIMEOUT_LIMIT_S
    path = properties.get("Path", DEFAULT_ROUTE)
    return Route(
        method_of(where, properties.get("Method", "ANY")),
        path if path == DEFAULT_ROUTE else path_of(where, path),
        function.name,
        is_streamed=False,
        timeout=timeout_of(where, "TimeoutInMillis", properties.get("TimeoutInMillis"), limit, limit),
        payload_format=format_of(where, properties.get("PayloadFormatVersion")),
    )
