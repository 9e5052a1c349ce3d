"""The event that an HTTP API creates for a request, in payload format 2.0 or 1.0.

Source: Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs". Format 2.0 is that of
function URLs, with these differences: the route's key and its path parameters, the function's account, a decoded path,
no headers about TLS, and cookies only in `cookies` (aws-lambda-go, issue 597). Format 1.0 is that of REST APIs, with
the whole path and empty authorizer fields. Scheme and port are the emulator's, as in the other events.
"""

from hashlib import sha256
from typing import Any
from urllib.parse import unquote

from ..account import ACCOUNT_ID, REGION
from ..rest_apis.event import rest_event
from ..rest_apis.routes import Match, one_slash_first
from ..template.apis import DEFAULT_ROUTE, FORMAT_1, Api
from ..urls.event import encode_body, url_event
from ..web.request import Request
from .routes import route_key

_TLS = "x-amzn-tls-"


def http_event(
    api: Api, match: Match, request: Request, trace_id: str, now: float, *, request_id: str, domain: str | None = None
) -> dict[str, Any]:
    """Return the event of `request` in the format of its route; it was received at `now`, in seconds since 1970.

    `domain` is the API's custom domain name, if it has one.
    """
    make = _format_1 if match.route.payload_format == FORMAT_1 else _format_2
    return make(api, match, request, trace_id, now, request_id=request_id, domain=domain)


def _format_2(
    api: Api, match: Match, request: Request, trace_id: str, now: float, *, request_id: str, domain: str | None = None
) -> dict[str, Any]:
    api_id = _id(api)
    domain = domain or f"{api_id}.execute-api.{REGION}.amazonaws.com"
    event = url_event(request, api.name, trace_id, now, request_id=request_id, domain=domain)
    key, path = route_key(match), unquote(one_slash_first(request.path))
    headers = event["headers"].items()
    event["headers"] = {name: value for name, value in headers if not name.startswith(_TLS) and name != "cookie"}
    event["routeKey"], event["rawPath"] = key, path
    if match.variables:
        event["pathParameters"] = _decoded(match)
    event["requestContext"] |= {
        "accountId": ACCOUNT_ID,
        "apiId": api_id,
        "routeKey": key,
        "stage": api.stage,
    }
    event["requestContext"]["http"]["path"] = path
    return event


def _format_1(
    api: Api, match: Match, request: Request, trace_id: str, now: float, *, request_id: str, domain: str | None = None
) -> dict[str, Any]:
    event = rest_event(api, match, request, trace_id, now, request_id=request_id, domain=domain)
    resource = DEFAULT_ROUTE if match.route.path == DEFAULT_ROUTE else match.route.path
    path = unquote(one_slash_first(request.path))
    event |= {"version": "1.0", "resource": resource, "path": path, "pathParameters": _decoded(match) or None}
    event["requestContext"] |= {
        "authorizer": {"claims": None, "scopes": None},
        "path": path,
        "resourceId": route_key(match),
        "resourcePath": resource,
    }
    content_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    if request.body:
        event["body"], event["isBase64Encoded"] = encode_body(request.body, content_type)
    return event


def _decoded(match: Match) -> dict[str, str]:
    return {name: unquote(value) for name, value in match.variables.items()}


def _id(api: Api) -> str:
    return sha256(api.name.encode()).hexdigest()[:10]
