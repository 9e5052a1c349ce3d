"""The REST API and the HTTP API that the Serverless Framework makes of the events of all functions."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..declaration import Resources
from ..sam.events import API
from ..sam.events import HTTP_API as SAM_HTTP_API
from .events import has_cors
from .names import HTTP_API, REST_API
from .urls import translated_cors

_HEADERS = "Content-Type,X-Amz-Date,Authorization,X-Api-Key,X-Amz-Security-Token,X-Amz-User-Agent"


def api_resources(
    stage: str, provider: Mapping[str, Any], functions: Mapping[str, Mapping[str, Any]], notices: list[str]
) -> Resources:
    """Return the APIs that the events need, by their logical ids."""
    found: Resources = {}
    rest = list(_events(functions, "http"))
    if rest:
        gateway = provider.get("apiGateway")
        properties = {
            "StageName": stage,
            "EndpointConfiguration": {"Type": str(provider.get("endpointType", "EDGE")).upper()},
            "BinaryMediaTypes": gateway.get("binaryMediaTypes") if isinstance(gateway, dict) else None,
            "Cors": _rest_cors(rest, notices),
        }
        found[REST_API] = _resource(API, properties)
    if any(_events(functions, "httpApi")):
        api = provider.get("httpApi")
        cors = api.get("cors") if isinstance(api, dict) else None
        given = None if not cors else translated_cors("provider: httpApi: cors", cors)
        found[HTTP_API] = _resource(SAM_HTTP_API, {"CorsConfiguration": given})
    return found


def _resource(kind: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"Type": kind, "Properties": {key: value for key, value in properties.items() if value is not None}}


def _events(functions: Mapping[str, Mapping[str, Any]], kind: str) -> Iterator[dict[str, Any]]:
    for function in functions.values():
        events = function.get("events")
        yield from (event for event in (events if isinstance(events, list) else ()) if _is(event, kind))


def _is(event: Any, kind: str) -> bool:
    return isinstance(event, dict) and kind in event


def _rest_cors(events: list[dict[str, Any]], notices: list[str]) -> dict[str, Any] | None:
    """Return the answer to preflight requests, which SAM has for an API and the Framework for a path."""
    asking = [event["http"]["cors"] for event in events if has_cors(event)]
    if not asking:
        return None
    if len(asking) < len(events) or any(cors != asking[0] for cors in asking):
        notices.append(f"{REST_API}: the emulator answers preflight requests to all paths as to the first with cors")
    cors = asking[0] if isinstance(asking[0], dict) else {}
    origins = cors.get("origins", cors.get("origin", "*"))
    headers = cors.get("headers", _HEADERS)
    found: dict[str, Any] = {
        "AllowOrigin": f"'{origins[0] if isinstance(origins, list) and origins else origins}'",
        "AllowHeaders": f"'{','.join(map(str, headers)) if isinstance(headers, list) else headers}'",
    }
    if cors.get("maxAge") is not None:
        found["MaxAge"] = f"'{cors['maxAge']}'"
    return {**found, "AllowCredentials": True} if cors.get("allowCredentials") is True else found
