"""Requests as bytes, and what cannot be sent."""

from typing import Any

import pytest

from lambda_streamify.client._request import Request
from lambda_streamify.errors import RequestError

URL = "http://example.com/path?q=%20"


def test_a_request_without_a_body() -> None:
    assert Request(f"{URL}#fragment").encode("", {}) == (
        b"GET /path?q=%20 HTTP/1.1\r\nhost: example.com\r\nconnection: close\r\naccept: */*\r\n"
        b"accept-encoding: identity\r\n\r\n"
    )


def test_a_request_with_json_headers_an_id_and_a_signature() -> None:
    request = Request("https://example.com:8443", headers={"X-Name": " ä "}, json={"prompt": "ž"}, method="PUT")

    assert request.encode("ž7", {"authorization": "AWS4"}) == (
        b"PUT / HTTP/1.1\r\nhost: example.com:8443\r\nconnection: close\r\naccept: */*\r\naccept-encoding: identity\r\n"
        b"content-type: application/json\r\nx-name: \xe4\r\ncontent-length: 20\r\nauthorization: AWS4\r\n"
        b'last-event-id: \xc5\xbe7\r\n\r\n{"prompt": "\\u017e"}'
    )


@pytest.mark.parametrize(
    ("options", "method", "content", "content_type"),
    [
        ({}, "GET", None, None),
        ({"content": b""}, "POST", b"", None),
        ({"content": "ž"}, "POST", b"\xc5\xbe", "text/plain; charset=utf-8"),
        ({"content": b"x", "headers": {"Content-Type": "text/csv"}}, "POST", b"x", "text/csv"),
        ({"json": [1]}, "POST", b"[1]", "application/json"),
        ({"method": "DELETE"}, "DELETE", None, None),
    ],
)
def test_method_and_type_follow_the_body(
    options: dict[str, Any], method: str, content: bytes | None, content_type: str | None
) -> None:
    request = Request(URL, **options)

    assert (request.method, request.content, request.headers.get("content-type")) == (method, content, content_type)


@pytest.mark.parametrize(("method", "length"), [("POST", "0"), ("GET", None)])
def test_a_method_that_has_a_body_names_the_length_of_an_empty_one(method: str, length: str | None) -> None:
    assert Request(URL, method=method).headers.get("content-length") == length


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://example.com", ("http", "example.com", 80, "example.com", "/")),
        ("https://example.com:443/a", ("https", "example.com", 443, "example.com", "/a")),
        ("HTTP://Example.com:8080?a=b", ("http", "example.com", 8080, "example.com:8080", "/?a=b")),
        ("http://[::1]:4001/", ("http", "::1", 4001, "[::1]:4001", "/")),
    ],
)
def test_a_url_is_taken_apart(url: str, expected: tuple[str, str, int, str, str]) -> None:
    request = Request(url)

    assert (request.scheme, request.host, request.port, request.authority, request.target) == expected


def test_a_host_header_of_the_callers_replaces_that_of_the_url() -> None:
    assert b"\r\nhost: other\r\n" in Request(URL, headers={"Host": "other"}).encode("", {})
    assert Request(URL, headers={"Host": "other"}).encode("", {}).count(b"host:") == 1


@pytest.mark.parametrize(
    ("url", "options", "message"),
    [
        ("ftp://example.com/", {}, "has to begin with http:// or https://"),
        ("example.com", {}, "has to begin with http:// or https://"),
        ("http:///path", {}, "has to begin with http:// or https://"),
        ("http://example.com/a b", {}, "percent-encode spaces"),
        ("http://example.com/\n", {}, "percent-encode spaces"),
        ("http://example.com/ž", {}, "percent-encode spaces"),
        ("http://example.com:port/", {}, "the URL .* is wrong: "),
        ("http://[::1/", {}, "the URL .* is wrong: "),
        ("http://user:secret@example.com/", {}, "^the URL of example.com holds a user name"),
        (URL, {"method": "GET /"}, "the method 'GET /' is not one that HTTP allows"),
        (URL, {"headers": {"x y": "1"}}, "'x y' is not the name of a header"),
        (URL, {"headers": {"": "1"}}, "'' is not the name of a header"),
        (URL, {"headers": {"x": 1}}, "the header x is 1, of type int; it must be a str"),
        (URL, {"headers": {"x": "a\r\nb: c"}}, "the header x holds a line break"),
        (URL, {"headers": {"x": "ž"}}, "the header x is 'ž', which is outside Latin-1"),
        (URL, {"headers": {"Content-Length": "1"}}, "the client sets the header Content-Length itself"),
        (URL, {"content": b"x", "json": 1}, "two bodies"),
        (URL, {"content": 1}, "content is of type int; it must be bytes or str"),
        (URL, {"json": {1, 2}}, "json cannot be sent: "),
        (URL, {"json": float("nan")}, "json cannot be sent: "),
    ],
)
def test_what_cannot_be_sent_is_named(url: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestError, match=message):
        Request(url, **options)
