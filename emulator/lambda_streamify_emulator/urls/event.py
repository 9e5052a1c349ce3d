"""The event that a function URL makes of an HTTP request, payload format 2.0.

Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs"; details as seen in events of 2024 to 2026: the path
is passed on verbatim, header names in lower case, repeats joined by commas, cookies given twice, the query both raw and
decoded. The request's id is that of the invocation. Of x-amzn-trace-id there is the root alone. An x-forwarded-for that
a client sends is passed on as it is (seen behind CloudFront, in 2025), and `connection` is left out; that the other
headers of a connection are left out as well is a choice.
"""

import base64
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl

from ..template.intrinsics import REGION
from ..web.response_headers import OF_A_CONNECTION

# As in events of 2024 to 2026: what most clients agree on with AWS.
_TLS = {"x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256", "x-amzn-tls-version": "TLSv1.3"}


@dataclass(frozen=True)
class Request:
    """An HTTP request, as it came in."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    client: str
    body: bytes
    http_version: str = "1.1"


def url_id(function_name: str) -> str:
    """The first label of the URL's domain name; made up, but always the same."""
    return sha256(function_name.encode()).hexdigest()[:32]


def url_event(request: Request, function_name: str, trace_id: str, now: float, *, request_id: str) -> dict[str, Any]:
    """The event of `request`, received at `now`, in seconds since the epoch."""
    headers = lowered(request.headers)
    prefix = url_id(function_name)
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
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": prefix,
            "domainName": f"{prefix}.lambda-url.{REGION}.on.aws",
            "domainPrefix": prefix,
            "http": {
                "method": request.method,
                "path": request.path,
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
    parameters = _joined(parse_qsl(request.query, keep_blank_values=True))
    if parameters:
        event["queryStringParameters"] = parameters
    if "transfer-encoding" in headers:
        event["headers"]["content-length"] = str(len(request.body))
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, headers.get("content-type", ""))
    return event


def encode_event(event: dict[str, Any]) -> bytes:
    """The event as the Runtime API hands it out."""
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def lowered(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Headers under their names in lower case, those that repeat as one."""
    pairs = [(name.lower(), value) for name, value in pairs]
    headers = _joined(pairs)
    if "cookie" in headers:
        headers["cookie"] = "; ".join(value for name, value in pairs if name == "cookie")  # RFC 9113, section 8.2.3
    return headers


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(found) for name, found in values.items()}


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body and whether it is base64: all is, but application/json and text/*."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.startswith("text/"):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # only base64 can carry it
    return base64.b64encode(body).decode("ascii"), True
