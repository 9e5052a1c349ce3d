"""The rules that the ASGI specification sets for the scope of an HTTP request, as assertions.

Source: ASGI specification, "HTTP & WebSocket ASGI Message Format", HTTP connection scope, spec version 2.5.
"""

from typing import Any
from urllib.parse import unquote_to_bytes

KEYS = {
    "type",
    "asgi",
    "http_version",
    "method",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "root_path",
    "headers",
    "client",
    "server",
    "state",
    "extensions",
}


def check_scope(scope: Any) -> None:
    """Fail unless each key is there, with the type and the form that the specification wants."""
    assert type(scope) is dict
    assert all(type(key) is str for key in scope)
    assert set(scope) >= KEYS
    # "Applications may add keys, named uniquely": so do servers, as "aws.event".
    assert all("." in key for key in set(scope) - KEYS)
    assert scope["type"] == "http"
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.4"}
    assert scope["http_version"] in ("1.0", "1.1", "2")
    assert type(scope["method"]) is str
    assert scope["method"] == scope["method"].upper() != ""
    assert scope["scheme"] in ("http", "https")
    _check_target(scope)
    _check_headers(scope["headers"])
    client, server = scope["client"], scope["server"]
    if client is not None:
        address, port = client
        assert (type(address), type(port)) == (str, int)
    host, port = server
    assert (type(host), type(port)) == (str, int)
    assert type(scope["state"]) is dict
    assert scope["extensions"] == {}


def _check_target(scope: dict[str, Any]) -> None:
    assert type(scope["path"]) is str
    assert scope["path"].startswith("/")
    assert type(scope["raw_path"]) is bytes
    assert unquote_to_bytes(scope["raw_path"]).decode("utf-8", "replace") == scope["path"]
    assert b"?" not in scope["raw_path"]
    assert type(scope["query_string"]) is bytes
    assert not scope["query_string"].startswith(b"?")
    assert type(scope["root_path"]) is str
    assert not scope["root_path"].endswith("/")
    assert scope["path"].startswith(scope["root_path"])


def _check_headers(headers: Any) -> None:
    for name, value in headers:
        assert (type(name), type(value)) == (bytes, bytes)
        assert name == name.lower()
        assert not name.startswith(b":")  # pseudo headers of HTTP/2 must be removed
    assert len([name for name, _ in headers if name == b"host"]) <= 1
    assert len([name for name, _ in headers if name == b"cookie"]) <= 1
    iter(headers)
    iter(headers)  # an iterable that can be gone through twice
