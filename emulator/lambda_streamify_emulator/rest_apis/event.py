"""The event that a REST API creates for an HTTP request: the input of a Lambda proxy integration, format 1.0.

Source: Amazon API Gateway Developer Guide, "Lambda proxy integrations in API Gateway", input format. Details as seen on
AWS (LocalStack's tests of July 2024):

* The path and path parameters stay percent-encoded; the query is decoded.
* The single-valued maps have the last of repeated values; empty maps are null.
* Connection and Content-Length are left out.
* Authorization always begins with a capital letter.
* `path` has no stage and begins with one slash. requestContext.path has the stage if the client sent it, and the
  slashes after it.

AWS keeps the case of other header names. The emulator's server does not report it, so names are in lower case here,
except for those below. Scheme and port are the emulator's, because apps build URLs from them; on AWS they are always
https and 443.
"""

import base64
import time
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from ..account import ACCOUNT_ID, REGION
from ..template.apis import Api
from ..web.request import Request
from ..web.response_headers import OF_A_CONNECTION
from .routes import Match, one_slash_first

# Header names as HTTP/1.1 clients write them.
_CAPITALS = {
    name.lower(): name
    for name in (
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Authorization",
        "Content-Type",
        "Cookie",
        "Host",
        "Origin",
        "Referer",
        "User-Agent",
    )
}
_NOBODY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)


def rest_event(
    api: Api, match: Match, request: Request, trace_id: str, now: float, *, request_id: str, domain: str | None = None
) -> dict[str, Any]:
    """Return the event of `request`, received at `now`, in seconds since the epoch.

    `domain` is the API's custom domain name, if it has one.
    """
    headers = header_lists(request, trace_id)
    query = value_lists(parse_qsl(request.query, keep_blank_values=True))
    body, is_base64 = _body(api, request)
    api_id = sha256(api.name.encode()).hexdigest()[:10]
    domain = domain or f"{api_id}.execute-api.{REGION}.amazonaws.com"
    return {
        "resource": match.route.path,
        "path": match.path,
        "httpMethod": request.method,
        "headers": last_values(headers),
        "multiValueHeaders": headers,
        "queryStringParameters": last_values(query),
        "multiValueQueryStringParameters": query or None,
        "pathParameters": match.variables or None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT_ID,
            "apiId": api_id,
            "deploymentId": api_id[:6],
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "extendedRequestId": base64.b64encode(request_id.encode()[:11]).decode("ascii"),
            "httpMethod": request.method,
            "identity": {
                **dict.fromkeys(_NOBODY),
                "sourceIp": request.client,
                "userAgent": headers["User-Agent"][-1] if "User-Agent" in headers else None,
            },
            "path": one_slash_first(request.path),
            "protocol": f"HTTP/{request.http_version}",
            "requestId": request_id,
            "requestTime": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "requestTimeEpoch": int(now * 1000),
            "resourceId": sha256(match.route.path.encode()).hexdigest()[:6],
            "resourcePath": match.route.path,
            "stage": api.stage,
        },
        "body": body,
        "isBase64Encoded": is_base64,
    }


def is_binary(api: Api, content_type: str) -> bool:
    """Whether the API's BinaryMediaTypes match this type: by its full name, as type/*, or as */*, which matches all.

    An entry such as */test matches nothing (seen on AWS, in LocalStack's tests).
    """
    media_type = content_type.partition(";")[0].strip().lower()
    kind, slash, _ = media_type.partition("/")
    fitting = {"*/*", media_type, f"{kind}/*"} if slash and kind != "*" else {"*/*"}
    return not fitting.isdisjoint(api.binary_types)


def header_lists(request: Request, trace_id: str) -> dict[str, list[str]]:
    """Return the values of each header that API Gateway passes on, its own included."""
    own = {"x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}
    left_out = {*OF_A_CONNECTION, *own, "content-length"}
    pairs = [(name.lower(), value) for name, value in request.headers]
    forwarded = [value for name, value in pairs if name == "x-forwarded-for"]
    return value_lists(
        [
            *((_CAPITALS.get(name, name), value) for name, value in pairs if name not in left_out),
            ("X-Amzn-Trace-Id", trace_id.partition(";")[0]),
            ("X-Forwarded-For", ", ".join([*forwarded, request.client])),
            ("X-Forwarded-Port", str(request.port)),
            ("X-Forwarded-Proto", request.scheme),
        ]
    )


def value_lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the values of each name in their order."""
    lists: dict[str, list[str]] = {}
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def last_values(lists: Mapping[str, list[str]]) -> dict[str, str] | None:
    """Return the last value of each name; None if there is no name."""
    return {name: values[-1] for name, values in lists.items()} or None


def _body(api: Api, request: Request) -> tuple[str | None, bool]:
    """Return the body, and whether it is in base64. API Gateway treats all types as text except BinaryMediaTypes."""
    if not request.body:
        return None, False
    content_type = next((value for name, value in request.headers if name.lower() == "content-type"), "")
    if is_binary(api, content_type):
        return base64.b64encode(request.body).decode("ascii"), True
    return request.body.decode("utf-8", "replace"), False
