import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.urls.event import encode_event, url_event, url_id
from lambda_streamify_emulator.web.request import Request
from processes import ROOT as ROOT_FOLDER

ROOT = "Root=1-5f84c7a1-000000000000000000000000"
REQUEST_ID = "3b594a9a-be8d-4137-b497-b2f10b5b50e2"
OWN = {
    "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
    "x-amzn-tls-version": "TLSv1.3",
    "x-amzn-trace-id": ROOT,
    "x-forwarded-for": "192.0.2.7",
    "x-forwarded-port": "4001",
    "x-forwarded-proto": "http",
}


def event(
    *headers: tuple[str, str],
    method: str = "GET",
    path: str = "/",
    query: str = "",
    body: bytes = b"",
    http: str = "1.1",
) -> dict[str, Any]:
    request = Request(method, path, query, headers, "192.0.2.7", body, http, port=4001)
    return url_event(request, "hello", f"{ROOT};Parent=0000000000000000;Sampled=0", 1584039838.5, request_id=REQUEST_ID)


def test_a_request_with_nothing_to_it() -> None:
    found = event()
    prefix = url_id("hello")

    assert found == {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": "/",
        "rawQueryString": "",
        "headers": OWN,
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
            "requestId": REQUEST_ID,
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
        path="/pa2%25Fth/../1",
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
        **OWN,
    }
    assert found["cookies"] == ["a=b", "c=d"]
    assert found["rawPath"] == "/pa2%25Fth/../1"
    assert found["requestContext"]["http"]["path"] == "/pa2%Fth/../1"
    assert found["rawQueryString"] == "multiQuery=foo&multiQuery=%2Fbar&empty&plus=a+b"
    assert found["queryStringParameters"] == {"multiQuery": "foo,/bar", "empty": "", "plus": "a b"}
    assert found["requestContext"]["http"]["method"] == "POST"
    assert found["requestContext"]["http"]["userAgent"] == "curl/8"
    assert (found["body"], found["isBase64Encoded"]) == ('{"ü":1}', False)


@pytest.mark.parametrize(
    ("sent", "decoded"),
    [
        ("/pa2%25Fth/1", "/pa2%Fth/1"),
        ("/a%2Fb+c%20d", "/a/b+c d"),
        ("/caf%C3%A9", "/café"),
        ("/%25252F", "/%252F"),
        ("/pa2%Fth", "/pa2%Fth"),
        ("/%FF", "/\ufffd"),
    ],
)
def test_the_raw_path_stays_as_it_was_sent_and_the_contexts_path_is_decoded_once(sent: str, decoded: str) -> None:
    found = event(path=sent)

    assert found["rawPath"] == sent
    assert found["requestContext"]["http"]["path"] == decoded


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
def test_every_body_can_be_decoded_again(body: bytes, content_type: str) -> None:
    found = json.loads(encode_event(event(("content-type", content_type), method="POST", body=body)))

    text = found["body"]
    assert (base64.b64decode(text) if found["isBase64Encoded"] else text.encode()) == body


def test_what_a_client_claims_of_itself_does_not_count() -> None:
    claimed = set(OWN) - {"x-forwarded-for"}

    found = event(*((name.upper(), "claimed") for name in claimed))

    assert found["headers"] == OWN


def test_who_a_proxy_forwards_for_is_passed_on_beside_where_the_request_came_from() -> None:
    found = event(("X-Forwarded-For", "203.0.113.9"))

    assert found["headers"]["x-forwarded-for"] == "203.0.113.9"
    assert found["requestContext"]["http"]["sourceIp"] == "192.0.2.7"


def test_headers_of_the_connection_are_not_passed_on_and_a_chunked_body_has_a_length() -> None:
    names = ("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade")

    found = event(*((name, "x") for name in names), method="POST", body=b"four")

    assert found["headers"] == {**OWN, "content-length": "4"}


def test_cookies_in_several_headers_are_one_list() -> None:
    found = event(("Cookie", "a=1; b=2"), ("X-Mine", "x"), ("cookie", "c=3"))

    assert found["headers"]["cookie"] == "a=1; b=2; c=3"
    assert found["cookies"] == ["a=1", "b=2", "c=3"]


def test_the_protocol_is_the_clients() -> None:
    assert event(http="1.0")["requestContext"]["http"]["protocol"] == "HTTP/1.0"


def test_a_query_of_separators_alone_has_no_parameters() -> None:
    found = event(query="&&")

    assert found["rawQueryString"] == "&&"
    assert "queryStringParameters" not in found


def shown(name: str) -> tuple[dict[str, Any], Request]:
    """Return an event in events/, and the request for it."""
    shown = json.loads((ROOT_FOLDER / "events" / f"{name}.json").read_text())
    http = shown["requestContext"]["http"]
    headers = [(key, value) for key, value in shown["headers"].items() if key not in OWN]
    body = shown.get("body", "").encode()
    path, query = shown["rawPath"], shown["rawQueryString"]
    return shown, Request(http["method"], path, query, headers, http["sourceIp"], body, scheme="https", port=443)


@pytest.mark.parametrize("name", ["function-url", "function-url-body", "function-url-cookies"])
def test_an_event_matches_the_examples_from_aws(name: str) -> None:
    expected, request = shown(name)
    context = expected["requestContext"]
    trace = expected["headers"]["x-amzn-trace-id"]

    found = url_event(request, "hello", trace, context["timeEpoch"] / 1000, request_id=context["requestId"])

    made_up = ("apiId", "domainName", "domainPrefix")
    for key in made_up:
        context[key] = found["requestContext"][key]
    assert found == expected


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
