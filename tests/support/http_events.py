"""Events as services send them for one HTTP request."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from processes import ROOT

FUNCTION_URL: dict[str, Any] = json.loads((ROOT / "events" / "function-url.json").read_text())


def url_event(
    target: str = "/", *, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None
) -> dict[str, Any]:
    """Return a function URL's event for a path, with its query if it has one; names of headers in lower case."""
    path, _, query = target.partition("?")
    context = FUNCTION_URL["requestContext"]
    event = {
        **FUNCTION_URL,
        "rawPath": path,
        "rawQueryString": query,
        "headers": {**FUNCTION_URL["headers"], **(headers or {})},
        "requestContext": {**context, "http": {**context["http"], "method": method, "path": path}},
    }
    if body is not None:
        event["headers"]["content-length"] = str(len(body))
        event |= {"body": b64encode(body).decode("ascii"), "isBase64Encoded": True}
    return event


def rest_event(path: str = "/", *, stage: str = "prod", **fields: Any) -> dict[str, Any]:
    """Return a REST API's event for a GET of a path below its stage; it is sent in the API's own domain."""
    host = "id.execute-api.us-east-1.amazonaws.com"
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": {"Host": host, "X-Forwarded-Proto": "https"},
        "requestContext": {
            "domainName": host,
            "httpMethod": "GET",
            "identity": {"sourceIp": "192.0.2.1"},
            "path": f"/{stage}{path}",
            "protocol": "HTTP/1.1",
            "stage": stage,
        },
        "body": None,
        "isBase64Encoded": False,
        **fields,
    }


def multipart(fields: Mapping[str, str], files: Mapping[str, tuple[str, bytes]]) -> tuple[str, bytes]:
    """Return the content type and the body of a form with files, each a name and its bytes."""
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts += [
        f'name="{name}"; filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n'.encode() + data
        for name, (filename, data) in files.items()
    ]
    body = b"".join(b"--limit\r\nContent-Disposition: form-data; %b\r\n" % part for part in parts)
    return "multipart/form-data; boundary=limit", body + b"--limit--\r\n"
