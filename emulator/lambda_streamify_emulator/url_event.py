"""The event that a function URL makes of an HTTP request, payload format 2.0.

Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs"; details as seen on AWS: the path is passed on
verbatim, header names in lower case, repeats joined by commas, cookies given twice, the query both raw and decoded.
"""

import base64
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from .intrinsics import REGION


@dataclass(frozen=True)
class Request:
    """An HTTP request, as it came in."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    client: str
    body: bytes


def url_id(function_name: str) -> str:
    """The first label of the URL's domain name; made up, but always the same."""
    return sha256(function_name.encode()).hexdigest()[:32]


def url_event(request: Request, function_name: str, trace_id: str, now: float) -> dict[str, Any]:
    """The event of `request`, received at `now`, in seconds since the epoch."""
    headers = _headers(request.headers)
    prefix = url_id(function_name)
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": {
            **headers,
            "x-amzn-trace-id": trace_id,
            "x-forwarded-for": request.client,
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
                "protocol": "HTTP/1.1",
                "sourceIp": request.client,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": str(uuid4()),
            "routeKey": "$default",
            "stage": "$default",
            "time": time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now)),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";") if cookie.strip()]
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if request.body:
        event["body"], event["isBase64Encoded"] = _body(request.body, headers.get("content-type", ""))
    return event


def encode_event(event: dict[str, Any]) -> bytes:
    """The event as the Runtime API hands it out."""
    return json.dumps(event, separators=(",", ":")).encode("ascii")


def _headers(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {name: value for name, value in _joined((n.lower(), v) for n, v in pairs).items() if name != "connection"}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in pairs:
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _body(body: bytes, content_type: str) -> tuple[str, bool]:
    """The body and whether it is base64: all is, but application/json and text/*."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.startswith("text/"):
        try:
            return body.decode("utf-8"), False
        except UnicodeDecodeError:
            pass  # only base64 can carry it
    return base64.b64encode(body).decode("ascii"), True
