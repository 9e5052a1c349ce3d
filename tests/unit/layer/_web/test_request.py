"""Request reads the same from every service, and a client's mistakes raise one error."""

import json
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_events import rest_event, url_event
from invoking import DIRECT, WEBSOCKET
from lambda_streamify import Request
from lambda_streamify.errors import BadRequest, HandlerError
from request_events import event

FORM = "application/x-www-form-urlencoded"
SERVICES = [
    *("function-url", "function-url-body", "function-url-cookies", "function-url-iam"),
    *("http-api", "http-api-v1", "rest-api", "alb"),
]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def with_parts(name: str, **parts: Any) -> dict[str, Any]:
    return {**event(name), **parts}


def repeating_alb(**headers: list[str]) -> dict[str, Any]:
    """The event of a target group with multi-value headers."""
    plain = event("alb")
    del plain["headers"], plain["queryStringParameters"]
    values = {"host": ["words"], "x-forwarded-for": ["203.0.113.9"], **headers}
    return {**plain, "multiValueHeaders": values, "multiValueQueryStringParameters": {"tag": ["a", "b%2Fc+d"]}}


def posted(body: bytes, content_type: str = "application/json") -> dict[str, Any]:
    return url_event("/", method="POST", headers={"content-type": content_type}, body=body)


# --- events of each service ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["http-api", "http-api-v1", "rest-api"])
def test_the_same_request_reads_the_same_from_every_api(name: str) -> None:
    request = Request(event(name))

    assert (request.method, request.path, request.client_address) == ("GET", "/words/one", "203.0.113.9")
    assert request.query == {"tag": "b"}
    assert request.query.get_all("tag") == ["a", "b"]
    assert request.headers["USER-AGENT"] == "curl/8.4.0"
    assert (request.body, request.text) == (b"", "")


def test_a_load_balancer_keeps_repeated_names_only_with_multi_value_headers() -> None:
    single, repeated = Request(event("alb")), Request(repeating_alb(accept=["a/b", "c/d"]))

    assert single.query.get_all("tag") == ["a"]
    assert repeated.query.get_all("tag") == ["a", "b/c d"]
    assert repeated.headers["Accept"] == "a/b, c/d"
    assert single.client_address == repeated.client_address == "203.0.113.9"


def test_the_path_and_query_of_a_load_balancer_are_decoded() -> None:
    request = Request(with_parts("alb", path="/caf%C3%A9", queryStringParameters={"q": "x%20y+z", "%C3%A9": ""}))

    assert request.path == "/café"
    assert request.query == {"q": "x y z", "é": ""}


def test_every_part_of_a_function_url_s_request_is_read() -> None:
    request = Request(event("function-url-cookies"))

    assert request.path == "/café"
    assert (dict(request.query), request.query.get_all("tag")) == ({"tag": "b/c", "empty": ""}, ["a", "b/c"])
    assert request.cookies == {"session": "0a1b2c3d", "theme": "dark"}
    assert repr(request) == "<Request GET /caf%C3%A9>"


def test_a_body_of_text_is_read_as_json_text_and_bytes() -> None:
    request = Request(event("function-url-body"))

    assert request.method == "POST"
    assert request.json() == {"prompt": "Grüße", "words": 3}
    assert request.text.encode() == request.body


def test_the_path_does_not_contain_the_stage_of_an_api() -> None:
    assert Request(rest_event("/a/b", stage="prod")).path == "/a/b"
    named = event("http-api")
    named["rawPath"], named["requestContext"]["stage"] = "/dev/a%b", "dev"
    assert Request(named).path == "/a%b"


@pytest.mark.parametrize("name", SERVICES)
def test_a_missing_header_is_missing_in_any_case(name: str) -> None:
    headers = Request(event(name)).headers

    assert "X-Absent" not in headers
    assert headers.get("X-Absent") is None
    assert headers.get("X-Absent", "none") == "none"
    assert "HOST" in headers
    assert all(name == name.lower() for name in headers)
    assert len(headers) == len(set(headers))
    assert headers["host"] in repr(headers)


def test_headers_are_as_the_client_sent_them_even_if_the_body_was_decoded() -> None:
    request = Request(with_parts("rest-api", multiValueHeaders={"Content-Length": ["9"], "X-A": ["1", "2"]}, body="é"))

    assert dict(request.headers) == {"content-length": "9", "x-a": "1, 2"}


def test_missing_and_null_parts_of_an_event_are_empty() -> None:
    bare = {"httpMethod": "GET", "path": "/", "requestContext": {"stage": "prod"}, "headers": None, "body": None}
    request = Request(bare)

    assert (request.query, dict(request.headers), request.cookies) == ({}, {}, {})
    assert request.client_address is None
    assert (request.body, request.text) == (b"", "")


@pytest.mark.parametrize(
    ("header", "cookies"),
    [
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ("a=1;b=2; ", {"a": "1", "b": "2"}),
        ('a="x y"; b=%20; c=d=e', {"a": '"x y"', "b": "%20", "c": "d=e"}),
        ("flag; a=", {"a": ""}),
        ("a=longer path; a=shorter path", {"a": "longer path"}),
    ],
)
def test_cookies_are_read_as_they_were_sent(header: str, cookies: dict[str, str]) -> None:
    assert list(Request(url_event(headers={"cookie": header})).cookies.items()) == list(cookies.items())


# --- reading is lazy -------------------------------------------------------------------------------------------------


def test_a_broken_part_does_not_prevent_reading_the_others() -> None:
    request = Request({**url_event("/a?q=%FF"), "body": "%%%", "isBase64Encoded": True})

    assert (request.method, request.path) == ("GET", "/a")
    assert request.headers["host"]
    assert request.client_address == "203.0.113.9"
    with pytest.raises(BadRequest, match="query"):
        request.query  # noqa: B018 - what is tested
    with pytest.raises(BadRequest, match="base64"):
        request.body  # noqa: B018 - what is tested


def test_a_part_is_read_once() -> None:
    request = Request(event("function-url-cookies"))

    assert request.query is request.query
    assert request.headers is request.headers
    assert request.cookies is request.cookies
    assert request.body is request.body


# --- a client's mistakes ---------------------------------------------------------------------------------------------


def path(sent: Any) -> Any:
    return Request(sent).path


def query(sent: Any) -> Any:
    return Request(sent).query


def body(sent: Any) -> Any:
    return Request(sent).body


def text(sent: Any) -> Any:
    return Request(sent).text


def in_json(sent: Any) -> Any:
    return Request(sent).json()


def form(sent: Any) -> Any:
    return Request(sent).form()


def encoded(body: str) -> dict[str, Any]:
    return {**url_event(), "body": body, "isBase64Encoded": True}


@pytest.mark.parametrize(
    ("read", "sent", "says"),
    [
        (path, url_event("/%FF"), "the path is not UTF-8: invalid start byte at byte 1"),
        (query, url_event("/?q=%C3"), "the query contains percent-encoded bytes that are not UTF-8"),
        (body, encoded("a"), "its body is not base64: .*1 more than a multiple of 4"),
        (body, encoded("YQ"), "its body is not base64: Incorrect padding"),
        (body, encoded("YQ==YQ=="), "characters that base64 does not have"),
        (body, encoded("Y Q=="), "characters that base64 does not have"),
        (body, encoded("_-=="), "characters that base64 does not have"),
        (body, encoded("é"), "its body is not base64"),
        (body, {**url_event(), "body": "\ud800"}, "the body of the request contains half of a surrogate pair"),
        (text, posted(b"\xff"), "the body is not UTF-8: invalid start byte at byte 0"),
        (in_json, posted(b""), "the body is empty; it must be JSON"),
        (in_json, url_event(), "the body is empty; it must be JSON"),
        (in_json, posted(b"{'a': 1}"), "the body is not JSON: Expecting property name enclosed in double quotes"),
        (in_json, posted(b"[1] 2"), "the body is not JSON: Extra data"),
        (in_json, posted(b"[NaN]"), "the body is not JSON: NaN is not a JSON value"),
        (in_json, posted(b"\xff"), "the body is not UTF-8"),
        (in_json, posted(b"[" * 100_000), "the body is JSON that is nested too deeply to be read"),
        (form, posted(b"a=%FF", FORM), "the form contains percent-encoded bytes that are not UTF-8"),
        (form, posted(b"a=\xff", FORM), "the form is not UTF-8"),
        (form, posted(b"a=1"), f"the content type is 'application/json'; it must be {FORM}"),
        (form, posted(b"a=1", "x" * 200), f"the content type is '{'x' * 100}...'; it must be {FORM}"),
        (form, url_event(), f"the content type is ''; it must be {FORM}"),
        (form, posted(b"", "multipart/form-data; boundary=b"), "multipart/form-data, which is not supported"),
    ],
)
def test_a_client_s_mistake_is_a_bad_request_that_describes_it(
    read: Callable[[Any], Any], sent: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadRequest, match=says):
        read(sent)


def test_an_integer_that_is_too_long_for_python_is_a_bad_request() -> None:
    import sys

    if not hasattr(sys, "get_int_max_str_digits"):
        pytest.skip("this Python reads integers of any length")
    with pytest.raises(BadRequest, match=r"the body is not JSON: Exceeds the limit[^;]+digits$"):
        Request(posted(b"1" * 5000)).json()


# --- other events ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [DIRECT, {}, None, [], event("sqs"), event("direct")])
def test_an_event_that_is_not_an_http_request_is_a_handler_error(sent: Any) -> None:
    with pytest.raises(HandlerError, match="the event is not an HTTP request of a function URL, API Gateway or load"):
        Request(sent)


@pytest.mark.parametrize("sent", [WEBSOCKET, event("websocket")])
def test_a_message_of_a_websocket_api_is_not_an_http_request(sent: Any) -> None:
    with pytest.raises(HandlerError, match=r"WebSocket API.* not an HTTP request: route"):
        Request(sent)


@pytest.mark.parametrize(
    ("part", "value", "read"),
    [
        ("rawPath", 1, path),
        ("headers", ["a"], form),
        ("multiValueHeaders", {"a": "b"}, form),
        ("cookies", "a=1", form),
        ("body", {"prompt": "hello"}, body),
    ],
)
def test_an_event_that_no_service_sends_is_an_error_that_names_the_part(
    part: str, value: object, read: Callable[[Any], Any]
) -> None:
    with pytest.raises(HandlerError, match=r"in the event is a \w+; in events of AWS's services it is a \w+"):
        read(with_parts("function-url", **{part: value}))


# --- the parsers -----------------------------------------------------------------------------------------------------


@given(st.binary())
def test_a_body_is_read_as_the_same_bytes_with_and_without_base64(data: bytes) -> None:
    request = Request(posted(data))

    assert request.body == data


@given(st.text(max_size=30))
def test_text_that_is_not_base64_is_never_read_as_base64(sent: str) -> None:
    try:
        read = Request(encoded(sent)).body
    except BadRequest:
        return
    assert len(b64encode(read)) == len(sent)


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, st.lists, max_leaves=9))
def test_json_is_read_as_the_json_module_reads_it(value: object) -> None:
    assert Request(posted(json.dumps(value).encode())).json() == value


@given(st.lists(st.tuples(TEXTS, TEXTS)))
def test_a_query_and_a_form_are_read_as_they_were_written(pairs: list[tuple[str, str]]) -> None:
    written = urlencode(pairs)

    for read in (Request(url_event(f"/?{written}")).query, Request(posted(written.encode(), FORM)).form()):
        assert dict(read) == dict(pairs)
        for name, _ in pairs:
            assert read.get_all(name) == [value for key, value in pairs if key == name]


@given(st.dictionaries(TEXTS, st.lists(TEXTS, min_size=1)))
def test_a_query_reads_the_same_from_every_service_that_keeps_repeated_names(values: dict[str, list[str]]) -> None:
    raw = "&".join(f"{quote_plus(name)}={quote(value)}" for name in values for value in values[name])
    undecoded = {quote_plus(name): [quote(value) for value in several] for name, several in values.items()}
    sent = [
        url_event(f"/?{raw}"),
        with_parts("http-api", rawQueryString=raw),
        with_parts("http-api-v1", multiValueQueryStringParameters=values, queryStringParameters=None),
        with_parts("rest-api", multiValueQueryStringParameters=values, queryStringParameters=None),
        {**repeating_alb(), "multiValueQueryStringParameters": undecoded},
    ]

    for request in map(Request, sent):
        assert {name: request.query.get_all(name) for name in request.query} == values


@given(st.lists(st.tuples(st.from_regex(r"[!#$%&'*+.^_`|~0-9a-zA-Z-]+", fullmatch=True), TEXTS)))
def test_a_header_is_found_by_its_name_in_any_case(pairs: list[tuple[str, str]]) -> None:
    sent: dict[str, list[str]] = {}
    for name, value in pairs:
        sent.setdefault(name.lower(), []).append(value)
    sent.pop("cookie", None)
    headers = Request(with_parts("rest-api", multiValueHeaders=sent, headers=None)).headers

    assert dict(headers) == {name: ", ".join(values) for name, values in sent.items()}
    for name in sent:
        assert headers[name.upper()] == headers[name]


@given(
    st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), st.from_regex(r'[!#-+\--:<-\[\]-~"]*', fullmatch=True))
)
def test_cookies_come_back_as_they_were_set(cookies: dict[str, str]) -> None:
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())

    assert Request(url_event(headers={"cookie": header})).cookies == cookies


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)
PARTS = [
    *("rawPath", "rawQueryString", "path", "headers", "multiValueHeaders", "cookies", "body", "isBase64Encoded"),
    *("queryStringParameters", "multiValueQueryStringParameters"),
]


@given(st.sampled_from(SERVICES), st.dictionaries(st.sampled_from(PARTS), JSON_VALUES))
def test_any_event_raises_only_bad_request_or_handler_error(name: str, parts: dict[str, Any]) -> None:
    def cookies(sent: Any) -> Any:
        return Request(sent).cookies

    def client(sent: Any) -> Any:
        return Request(sent).client_address

    for read in (path, query, body, text, in_json, form, cookies, client, lambda sent: repr(Request(sent))):
        with suppress(BadRequest, HandlerError):
            read(with_parts(name, **parts))
