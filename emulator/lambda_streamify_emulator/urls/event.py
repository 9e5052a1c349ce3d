"""The event that a function URL creates for an HTTP request, payload format 2.0.

Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs". Details as seen in events of 2024 to 2026:

* rawPath is the path as the client sent it; requestContext.http.path is decoded once.
* Header names are in lower case, repeated headers are joined by commas.
* Cookies are in `cookies` and in the header; the query is both raw and decoded.
* The id of the request is that of the invocation.
* x-amzn-trace-id has only the root.
* An x-forwarded-for from the client is passed on unchanged (seen behind CloudFront, in 2025).
* `connection` is left out. The emulator also leaves out the other headers of a connection; that was not seen.

Scheme and port are the emulator's, because apps build URLs from them; on AWS they are always https and 443.
"""

import base64
import json
import time
from collections.abc import Iterable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, unquote

from ..account import REGION
from ..web.request import Request
from ..web.response_headers import OF_A_CONNECTION

# As in events of 2024 to 2026: the parameters that most clients negotiate with AWS.
_TLS = {"x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256", "x-amzn-tls-version": "TLSv1.3"}


def url_id(function_name: str) -> str:
    """Return the first label of the URL's domain name; made up, but always the same for a function."""
    return sha256(function_name.encode()).hexdigest()[:32]


def url_event(
    request: Request, function_name: str, trace_id: str, now: float, *, request_id: str, domain: str | None = None
) -> dict[str, Any]:
    """Return the event of `request`, received at `now`, in seconds since the epoch.

    `domain` is the URL's domain name; by default it is made up.
    """
    headers = lower_names(request.headers)
    domain = domain or f"{url_id(function_name)}.lambda-url.{REGION}.on.aws"
    prefix = domain.partition(".")[0]
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {
            **{name: value for name, value in headers.items() if name not in OF_A_CONNECTION},
            **_TLS,
            "x-amzn-trace-id": trace_id.partition(";")[0],
            "x-forwarded-for": headers.get("x-forwarded-for", request.client),
            "x-forwarded-port": str(request.port),
            "x-forwarded-proto": request.scheme,
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": prefix,
            "domainName": domain,
            "domainPrefix": prefix,
            "http": {
                "method": request.method,
                "path": unquote(request.path),
                "protocol": f"HTTP/{request.http_version}",
                "sourceIp": request.client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";") if cookie.strip()]
    parameters = _join_values(parse_qsl(request.query, keep_blank_values=True))
    if parameters:
        event["queryStringParameters"] = parameters
    if "transfer-encoding" in headers:
        event["headers"]["content-length"] = str(len(request.body))
    if request.body:
        event["body"], event["isBase64Encoded"] = encode_body(request.body, headers.get("content-type", ""))
    return event


def encode_event(event: dict[str, Any]) -> bytes:
    """Return the event as the JSON text that the Runtime API sends."""
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def lower_names(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return headers by their names in lower case; the values of repeated headers are joined."""
    pairs = [(name.lower(), value) for name, value in pairs]
    headers = _join_values(pairs)
    if "cookie" in headers:
        headers["cookie"] = "; ".join(value for name, value in pairs if name == "cookie")  # RFC 9113, section 8.2.3
    return headers


def _join_values(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(found) for name, found in values.items()}


def encode_body(body: bytes, content_type: str) -> tuple[str, bool]:
    """Return the body, and whether it is in base64: all types are, except application/json and text/*."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.startswith("text/"):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # not UTF-8: base64 after all
    return base64.b64encode(body).decode("ascii"), True
