import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from invoking import DIRECT, WEBSOCKET
from lambda_streamify._web.http_event import HttpEvent
from lambda_streamify.errors import BadRequest, HandlerError
from processes import ROOT

# Events as the services document them, with only the fields that matter here.
URL: dict[str, Any] = json.loads((ROOT / "events" / "function-url.json").read_text())
HTTP: dict[str, Any] = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/my/path",
    "rawQueryString": "a=1&a=2&b=%20",
    "cookies": ["c=1", "d=2"],
    "headers": {"header1": "value1", "header2": "value1,value2", "host": "id.execute-api.us-east-1.amazonaws.com"},
    "queryStringParameters": {"a": "1,2", "b": " "},
    "requestContext": {
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "http": {"method": "POST", "path": "/my/path", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        "stage": "$default",
    },
    "body": "Hello",
    "isBase64Encoded": False,
}
REST: dict[str, Any] = {
    "resource": "/{proxy+}",
    "path": "/my/path",
    "httpMethod": "GET",
    "headers": {"Host": "id.execute-api.us-east-1.amazonaws.com", "X-Twice": "second"},
    "multiValueHeaders": {"Host": ["id.execute-api.us-east-1.amazonaws.com"], "X-Twice": ["first", "second"]},
    "queryStringParameters": {"a": "2", "b": "x y&z"},
    "multiValueQueryStringParameters": {"a": ["1", "2"], "b": ["x y&z"]},
    "requestContext": {
        "domainName": "id.execute-api.us-east-1.amazonaws.com",
        "httpMethod": "GET",
        "identity": {"sourceIp": "192.0.2.1"},
        "path": "/prod/my/path",
        "protocol": "HTTP/1.1",
        "stage": "prod",
    },
    "body": None,
    "isBase64Encoded": False,
}
ALB: dict[str, Any] = {
    "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/t/1"}},
    "httpMethod": "GET",
    "path": "/my%20path",
    "queryStringParameters": {"a": "x%20y", "b": ""},
    "headers": {
        "host": "lb.us-east-1.elb.amazonaws.com:8080",
        "x-forwarded-for": "203.0.113.1, 192.0.2.1",
        "x-forwarded-port": "80",
        "x-forwarded-proto": "http",
    },
    "body": "",
    "isBase64Encoded": False,
}


def with_context(event: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**event, "requestContext": {**event["requestContext"], **fields}}


# --- path and stage --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "path", "raw_path"),
    [
        ({**URL, "rawPath": "/a%2Fb/%C3%A9%25"}, "/a/b/é%", b"/a%2Fb/%C3%A9%25"),
        ({**URL, "rawPath": "/pa2%Fth/1"}, "/pa2%Fth/1", b"/pa2%Fth/1"),
        ({**URL, "rawPath": ""}, "/", b"/"),
        ({**HTTP, "rawPath": "/a b/é%41"}, "/a b/é%41", b"/a%20b/%C3%A9%2541"),
        ({**HTTP, "rawPath": "/a:b@c/$d"}, "/a:b@c/$d", b"/a:b@c/$d"),
        ({**with_context(REST, path="/x%20y"), "path": "/x%20y"}, "/x y", b"/x%20y"),
        (ALB, "/my path", b"/my%20path"),
    ],
)
def test_the_path_is_decoded_once_and_kept_raw(event: dict[str, Any], path: str, raw_path: bytes) -> None:
    request = HttpEvent(event)

    assert (request.path, request.raw_path) == (path, raw_path)
    assert (request.root_path, request.path_info) == ("", path)


NAMED_STAGE = with_context({**HTTP, "rawPath": "/dev/my/path"}, stage="dev")
HTTP_1_0 = {**with_context(REST, path="/dev/my/path", stage="dev"), "version": "1.0", "path": "/dev/my/path"}


@pytest.mark.parametrize(
    ("event", "root_path", "path"),
    [
        (REST, "/prod", "/prod/my/path"),
        ({**with_context(REST, path="/prod"), "path": "/"}, "/prod", "/prod/"),
        ({**with_context(REST, path="/prod/prod/x"), "path": "/prod/x"}, "/prod", "/prod/x"),
        ({**with_context(REST, path="/base/my/path"), "path": "/base/my/path"}, "", "/base/my/path"),
        ({**with_context(REST, path="/prod/my/path"), "path": "/prod/my/path"}, "", "/prod/my/path"),
        (NAMED_STAGE, "/dev", "/dev/my/path"),
        ({**NAMED_STAGE, "rawPath": "/dev"}, "/dev", "/dev/"),
        (with_context(NAMED_STAGE, domainName="example.com"), "", "/my/path"),
        (HTTP_1_0, "/dev", "/dev/my/path"),
        ({**with_context(HTTP_1_0, domainName="example.com"), "path": "/base/my/path"}, "", "/base/my/path"),
        ({**with_context(HTTP_1_0, domainName="example.com"), "path": "/dev/my/path"}, "", "/dev/my/path"),
        ({**NAMED_STAGE, "rawPath": "/developers"}, "", "/developers"),
        (HTTP, "", "/my/path"),
    ],
)
def test_the_stage_is_the_root_path_if_the_clients_path_contains_it(
    event: dict[str, Any], root_path: str, path: str
) -> None:
    request = HttpEvent(event)

    assert (request.root_path, request.path) == (root_path, path)
    assert request.root_path + request.path_info == request.path
    assert request.raw_path == path.encode()


@pytest.mark.parametrize(
    ("event", "given", "root_path", "path"),
    [
        (URL, "/api", "/api", "/api/"),
        ({**URL, "rawPath": "/api/x"}, "/api", "/api", "/api/x"),
        ({**URL, "rawPath": "/api/x"}, "api/", "/api", "/api/x"),
        ({**URL, "rawPath": "/x"}, "/api", "/api", "/api/x"),
        ({**with_context(REST, path="/v1/x"), "path": "/v1/x"}, "/v1", "/v1", "/v1/x"),
        (REST, "", "", "/my/path"),
        (NAMED_STAGE, "", "", "/my/path"),
        (NAMED_STAGE, "/ö", "/ö", "/ö/my/path"),
        (with_context(NAMED_STAGE, domainName="example.com"), "/v1", "/v1", "/v1/my/path"),
    ],
)
def test_a_given_root_path_replaces_the_stage(event: dict[str, Any], given: str, root_path: str, path: str) -> None:
    request = HttpEvent(event, given)

    assert (request.root_path, request.path) == (root_path, path)


def test_an_added_root_path_is_escaped_in_the_raw_path() -> None:
    assert HttpEvent(NAMED_STAGE, "/ö").raw_path == b"/%C3%B6/my/path"


# --- query -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "query"),
    [
        (URL, b""),
        ({**URL, "rawQueryString": "a=1&a=2&b=%C3%A9+x&c"}, b"a=1&a=2&b=%C3%A9+x&c"),
        (HTTP, b"a=1&a=2&b=%20"),
        (REST, b"a=1&a=2&b=x+y%26z"),
        ({**REST, "multiValueQueryStringParameters": None}, b"a=2&b=x+y%26z"),
        ({**REST, "multiValueQueryStringParameters": None, "queryStringParameters": None}, b""),
        (ALB, b"a=x%20y&b="),
        ({**ALB, "multiValueQueryStringParameters": {"a": ["1", "%2B"], "b": ["3"]}}, b"a=1&a=%2B&b=3"),
    ],
)
def test_the_query_is_the_clients_or_an_equivalent(event: dict[str, Any], query: bytes) -> None:
    assert HttpEvent(event).query_string == query


@given(st.dictionaries(st.text(), st.lists(st.text(), min_size=1), min_size=1))
def test_a_decoded_query_is_encoded_to_the_same_values(parameters: dict[str, list[str]]) -> None:
    from urllib.parse import parse_qs

    query = HttpEvent({**REST, "multiValueQueryStringParameters": parameters}).query_string

    assert parse_qs(query.decode("ascii"), keep_blank_values=True, strict_parsing=True) == parameters


# --- headers ---------------------------------------------------------------------------------------------------------


def test_repeated_headers_stay_repeated_where_the_event_keeps_them() -> None:
    assert HttpEvent(REST).headers == [
        (b"host", b"id.execute-api.us-east-1.amazonaws.com"),
        (b"x-twice", b"first"),
        (b"x-twice", b"second"),
    ]
    assert (b"header2", b"value1,value2") in HttpEvent(HTTP).headers


@pytest.mark.parametrize(
    "event",
    [
        HTTP,
        {**HTTP, "headers": {**HTTP["headers"], "cookie": "c=1; d=2"}},
        {**REST, "multiValueHeaders": {"Cookie": ["c=1", "d=2"]}},
        {**ALB, "headers": {"cookie": "c=1; d=2"}},
        {
            **{key: value for key, value in ALB.items() if key != "headers"},
            "multiValueHeaders": {"cookie": ["c=1; d=2"]},
        },
    ],
)
def test_cookies_are_one_header(event: dict[str, Any]) -> None:
    assert [value for name, value in HttpEvent(event).headers if name == b"cookie"] == [b"c=1; d=2"]


def test_content_length_is_the_length_of_the_decoded_body() -> None:
    def length(event: dict[str, Any]) -> list[bytes]:
        return [value for name, value in HttpEvent(event).headers if name == b"content-length"]

    assert length({**URL, "body": "é", "headers": {"content-length": "1"}}) == [b"2"]
    assert length({**REST, "body": "text"}) == [b"4"]
    assert length({**URL, "headers": {"content-length": "0"}}) == [b"0"]
    assert length(URL) == []


def test_transfer_encoding_is_dropped() -> None:
    request = HttpEvent({**URL, "body": "x", "headers": {"transfer-encoding": "chunked"}})

    assert request.headers == [(b"content-length", b"1")]


def test_header_values_are_the_bytes_that_were_read_as_latin_1() -> None:
    assert HttpEvent({**URL, "headers": {"X": "é", "Y": "€"}}).headers == [(b"x", b"\xe9"), (b"y", b"\xe2\x82\xac")]


# --- body ------------------------------------------------------------------------------------------------------------


@given(st.binary())
def test_a_body_in_base64_is_decoded(body: bytes) -> None:
    assert HttpEvent({**URL, "body": b64encode(body).decode(), "isBase64Encoded": True}).body == body


@pytest.mark.parametrize(("body", "read"), [(None, b""), ("", b""), ("é", b"\xc3\xa9")])
def test_a_body_of_text_is_utf_8(body: str | None, read: bytes) -> None:
    assert HttpEvent({**URL, "body": body}).body == read


def test_a_body_that_is_not_base64_is_an_error_that_says_so() -> None:
    request = HttpEvent({**URL, "body": "a", "isBase64Encoded": True})

    with pytest.raises(BadRequest, match="isBase64Encoded, but its body is not base64"):
        request.body  # noqa: B018 - what is tested


def test_the_body_is_not_read_before_it_is_used() -> None:
    request = HttpEvent({**URL, "body": "a", "isBase64Encoded": True})

    assert (request.method, request.query_string, request.client) == ("GET", b"", ("203.0.113.9", 0))
    assert ("host", URL["headers"]["host"]) in request.fields


# --- the connection --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "method", "client", "server", "scheme"),
    [
        (URL, "GET", ("203.0.113.9", 0), (URL["headers"]["host"], 443), "https"),
        (HTTP, "POST", ("192.0.2.1", 0), ("id.execute-api.us-east-1.amazonaws.com", 443), "https"),
        (REST, "GET", ("192.0.2.1", 0), ("id.execute-api.us-east-1.amazonaws.com", 443), "https"),
        (ALB, "GET", ("192.0.2.1", 0), ("lb.us-east-1.elb.amazonaws.com", 8080), "http"),
        ({**ALB, "headers": {"x-forwarded-proto": "http"}}, "GET", None, ("", 80), "http"),
        ({**URL, "headers": {"host": "[::1]:90"}}, "GET", ("203.0.113.9", 0), ("::1", 90), "https"),
        ({**URL, "headers": {"host": "[::1]"}}, "GET", ("203.0.113.9", 0), ("::1", 443), "https"),
        ({**URL, "headers": {}}, "GET", ("203.0.113.9", 0), (URL["requestContext"]["domainName"], 443), "https"),
    ],
)
def test_client_server_and_scheme_are_read_from_the_event(
    event: dict[str, Any], method: str, client: tuple[str, int] | None, server: tuple[str, int], scheme: str
) -> None:
    request = HttpEvent(event)

    assert (request.method, request.client) == (method, client)
    assert (request.server, request.scheme) == (server, scheme)


@pytest.mark.parametrize(
    ("protocol", "version"),
    [("HTTP/1.0", "1.0"), ("HTTP/1.1", "1.1"), ("HTTP/2.0", "2"), ("HTTP/2", "2"), ("", "1.1"), (None, "1.1")],
)
def test_the_http_version_is_the_clients(protocol: str | None, version: str) -> None:
    http = {**URL["requestContext"]["http"], "protocol": protocol}

    assert HttpEvent(with_context(URL, http=http)).http_version == version
    assert HttpEvent(with_context(REST, protocol=protocol)).http_version == version


# --- other events ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "what"),
    [
        ({"Records": [{"eventSource": "aws:sqs"}]}, "an object with 'Records'"),
        (DIRECT, "an object with 'name'"),
        ({}, "an object with nothing in it"),
        (None, "of type NoneType"),
        ([1], "of type list"),
    ],
)
def test_an_event_that_is_not_a_request_is_an_error_that_describes_it(event: Any, what: str) -> None:
    with pytest.raises(HandlerError, match=f"not an HTTP request .* but {what}: invoke the function with"):
        HttpEvent(event)


def test_messages_of_a_websocket_api_are_refused() -> None:
    with pytest.raises(HandlerError, match=r"WebSocket API.*not an HTTP request: route \$connect"):
        HttpEvent(WEBSOCKET)
