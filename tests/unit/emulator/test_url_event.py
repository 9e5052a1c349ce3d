import base64
import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.url_event import Request, encode_event, url_event, url_id

TRACE = "Root=1-5f84c7a1-000000000000000000000000;Parent=0000000000000000;Sampled=0"


def event(
    *headers: tuple[str, str], method: str = "GET", path: str = "/", query: str = "", body: bytes = b""
) -> dict[str, Any]:
    return url_event(Request(method, path, query, headers, "192.0.2.7", body), "hello", TRACE, 1584039838.5)


def test_a_request_with_nothing_to_it() -> None:
    found = event()
    request_id = found["requestContext"].pop("requestId")
    prefix = url_id("hello")

    assert UUID(request_id).version == 4
    assert found == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": {
            "x-amzn-trace-id": TRACE,
            "x-forwarded-for": "192.0.2.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https",
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": prefix,
            "domainName": f"{prefix}.lambda-url.us-east-1.on.aws",
            "domainPrefix": prefix,
            "http": {
                "method": "GET",
                "path": "/",
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.7",
                "userAgent": "",
            },
            "routeKey": "$default",
            "stage": "$default",
            "time": "12/Mar/2020:19:03:58 +0000",
            "timeEpoch": 1584039838500,
        },
        "isBase64Encoded": False,
    }


def test_a_request_with_everything_to_it() -> None:
    found = event(
        ("Host", "localhost:4001"),
        ("User-Agent", "curl/8"),
        ("Header2", "value1"),
        ("header2", "value2"),
        ("Cookie", "a=b; c=d"),
        ("Connection", "keep-alive"),
        ("Content-Type", "application/json; charset=utf-8"),
        ("Content-Length", "7"),
        method="POST",
        path="/pa2%Fth/../1",
        query="multiQuery=foo&multiQuery=%2Fbar&empty&plus=a+b",
        body='{"ü":1}'.encode(),
    )

    assert found["headers"] == {
        "host": "localhost:4001",
        "user-agent": "curl/8",
        "header2": "value1,value2",
        "cookie": "a=b; c=d",
        "content-type": "application/json; charset=utf-8",
        "content-length": "7",
        "x-amzn-trace-id": TRACE,
        "x-forwarded-for": "192.0.2.7",
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    assert found["cookies"] == ["a=b", "c=d"]
    assert found["rawPath"] == found["requestContext"]["http"]["path"] == "/pa2%Fth/../1"
    assert found["rawQueryString"] == "multiQuery=foo&multiQuery=%2Fbar&empty&plus=a+b"
    assert found["queryStringParameters"] == {"multiQuery": "foo,/bar", "empty": "", "plus": "a b"}
    assert found["requestContext"]["http"]["method"] == "POST"
    assert found["requestContext"]["http"]["userAgent"] == "curl/8"
    assert (found["body"], found["isBase64Encoded"]) == ('{"ü":1}', False)


BODIES = [
    ("application/json", b"{}", False),
    ("APPLICATION/JSON ; charset=utf-8", b"{}", False),
    ("text/plain", b"abc", False),
    ("text/event-stream", "ü".encode(), False),
    ("text/plain", b"\xff", True),
    ("application/json", b"\xff", True),
    ("application/xml", b"<a/>", True),
    ("application/x-www-form-urlencoded", b"a=b", True),
    ("multipart/form-data; boundary=x", b"--x", True),
    ("application/jsonlines", b"{}", True),
    ("application/octet-stream", b"abc", True),
    ("textual/plain", b"abc", True),
    ("", b"abc", True),
]


@pytest.mark.parametrize(("content_type", "body", "encoded"), BODIES)
def test_a_body_is_base64_but_for_json_and_text(content_type: str, body: bytes, encoded: bool) -> None:  # noqa: FBT001
    headers = [("Content-Type", content_type)] if content_type else []

    found = event(*headers, body=body)

    assert found["isBase64Encoded"] is encoded
    assert found["body"] == (base64.b64encode(body).decode() if encoded else body.decode())


@given(st.binary(min_size=1), st.sampled_from(["text/plain", "application/json", "image/png", ""]))
def test_every_body_can_be_had_back(body: bytes, content_type: str) -> None:
    found = json.loads(encode_event(event(("content-type", content_type), method="POST", body=body)))

    text = found["body"]
    assert (base64.b64decode(text) if found["isBase64Encoded"] else text.encode()) == body


def test_what_a_client_claims_of_itself_does_not_count() -> None:
    claimed = ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto", "x-amzn-trace-id")

    found = event(*((name.upper(), "claimed") for name in claimed))

    assert "claimed" not in found["headers"].values()


@pytest.mark.parametrize(
    ("cookie", "cookies"), [("a=b", ["a=b"]), ("a=b;c=d;", ["a=b", "c=d"]), ('a=b; c="x y"', ["a=b", 'c="x y"'])]
)
def test_cookies_are_given_twice(cookie: str, cookies: list[str]) -> None:
    found = event(("Cookie", cookie))

    assert found["cookies"] == cookies
    assert found["headers"]["cookie"] == cookie


@pytest.mark.parametrize(
    ("query", "parameters"),
    [
        ("a=1&a=2&b", {"a": "1,2", "b": ""}),
        ("a=%20+%2B", {"a": "  +"}),
        ("%C3%BC=%C3%BC", {"ü": "ü"}),
        ("a=b=c", {"a": "b=c"}),
        ("a;b=1", {"a;b": "1"}),
        ("?x=1", {"?x": "1"}),
    ],
)
def test_a_query_is_given_raw_and_decoded(query: str, parameters: dict[str, str]) -> None:
    found = event(query=query)

    assert found["rawQueryString"] == query
    assert found["queryStringParameters"] == parameters


def test_the_id_of_a_url_is_made_up_but_always_the_same() -> None:
    assert url_id("hello") == url_id("hello") != url_id("story")
    assert len(url_id("hello")) == 32


def test_an_event_is_ascii_whatever_is_in_it() -> None:
    data = encode_event(event(path="/ü€", query="a=ü"))

    assert data.isascii()
    assert json.loads(data)["rawPath"] == "/ü€"
