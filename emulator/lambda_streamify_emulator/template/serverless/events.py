"""Translates the events of a function that API Gateway sends, `http` and `httpApi`, into those of SAM.

Source: the Serverless Framework's documentation, "API Gateway" (REST API) and "HTTP API".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from .names import HTTP_API, REST_API

_UNSERVED = {
    "alb": "no load balancers",
    "cloudFront": "no CloudFront distributions",
    "websocket": "WebSocket APIs of SAM and CloudFormation only",
}
_PROXIES = ("lambda-proxy", "aws-proxy", "aws_proxy", "lambda_proxy")


def translated_events(function: str, events: Any, payload: str, notices: list[str]) -> dict[str, Any]:
    """Return the events of SAM by their ids. `payload` is the version of the format of an HTTP API's events."""
    found: dict[str, Any] = {}
    for index, event in enumerate(events if isinstance(events, list) else ()):
        for kind, value in event.items() if isinstance(event, dict) else ():
            where = f"{function}: the event {kind} {index + 1}"
            if kind in _UNSERVED:
                notices.append(f"{where} is not served: the emulator serves {_UNSERVED[kind]}")
            elif kind == "http":
                found |= dict(_rest(where, f"http{index + 1}", value, notices))
            elif kind == "httpApi":
                found[f"httpApi{index + 1}"] = {"Type": "HttpApi", "Properties": _http(value, payload)}
    return found


def _rest(where: str, id_: str, value: Any, notices: list[str]) -> Iterator[tuple[str, Any]]:
    event = _method_and_path(value)
    integration = str(event.get("integration", _PROXIES[0])).lower()
    if integration not in _PROXIES:
        notices.append(
            f"{where} is not served: its integration is {integration}, and the emulator serves {_PROXIES[0]}"
        )
        return
    response = event.get("response")
    if isinstance(response, Mapping) and response.get("transferMode") is not None:
        notices.append(
            f"{where}: response.transferMode is {response['transferMode']}: the emulator serves it buffered, because "
            "it is not verified what the Framework does with it; a URL streams (url: {invoke: RESPONSE_STREAM})"
        )
    properties = {
        "RestApiId": {"Ref": REST_API},
        "Path": f"/{str(event.get('path', '')).lstrip('/')}",
        "Method": event.get("method"),
        "TimeoutInMillis": event.get("timeoutInMillis"),
        "Auth": event.get("authorizer") or (event.get("private") or None),
    }
    yield id_, {"Type": "Api", "Properties": {key: part for key, part in properties.items() if part is not None}}


def _http(value: Any, payload: str) -> dict[str, Any]:
    if value == "*" or (isinstance(value, dict) and value.get("path") == "*"):
        return {"ApiId": {"Ref": HTTP_API}, "PayloadFormatVersion": payload}
    event = _method_and_path(value)
    method = "ANY" if event.get("method") in ("*", None) else event["method"]
    properties = {
        "ApiId": {"Ref": HTTP_API},
        "Path": event.get("path"),
        "Method": method,
        "PayloadFormatVersion": payload,
        "Auth": event.get("authorizer"),
    }
    return {key: part for key, part in properties.items() if part is not None}


def has_cors(event: Any) -> bool:
    """Whether an event of type `http` asks for answers to preflight requests."""
    return isinstance(event, dict) and isinstance(event.get("http"), dict) and bool(event["http"].get("cors"))


def _method_and_path(value: Any) -> Mapping[str, Any]:
    """Return an event that may be written as text, such as `GET hello`."""
    if isinstance(value, dict):
        return value
    method, _, path = str(value).strip().partition(" ")
    return {"method": method, "path": path.strip()}
