import json
from dataclasses import replace
from typing import Any

import pytest

from lambda_streamify_emulator.rest_apis.event import is_binary, rest_event
from lambda_streamify_emulator.rest_apis.routes import find
from lambda_streamify_emulator.template.apis import Api, Route
from lambda_streamify_emulator.web.request import Request
from request_events import event as sample

API = Api("Mine", "prod", (Route("ANY", "/{proxy+}", "hello", is_streamed=True),))
REQUEST = Request(
    "GET",
    "/prod/words/one",
    "tag=a&tag=b",
    [("accept", "text/event-stream"), ("host", "localhost:4001"), ("user-agent", "curl/8.4.0")],
    "203.0.113.9",
    b"",
    port=4001,
)
TRACE = "Root=1-64c1b7c1-3c1bd1d87a1d4b1d1d1d1d1d;Parent=1;Sampled=0"
NOW = 1785096000.0


def made(api: Api = API, **changed: Any) -> dict[str, Any]:
    request = replace(REQUEST, **changed)
    match = find(api, request.method, request.path)
    assert match is not None
    return rest_event(api, match, request, TRACE, NOW, request_id="c6af9ac6-7b61-11e6-9a41-93e8deadbeef")


def without(event: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in event.items() if name not in names}


def test_the_event_is_that_of_aws_but_for_what_is_made_up_and_the_names_of_cloudfront() -> None:
    event, expected = made(), sample("rest-api")

    made_up = ("headers", "multiValueHeaders", "requestContext")
    assert without(event, *made_up) == without(expected, *made_up)
    context, known = event["requestContext"], expected["requestContext"]
    assert context.keys() == {*known.keys(), "deploymentId"}
    ids = ("apiId", "deploymentId", "domainName", "domainPrefix", "extendedRequestId", "resourceId")
    assert without(context, *ids) == without(known, *ids)
    assert context["domainName"] == f"{context['apiId']}.execute-api.us-east-1.amazonaws.com"
    assert event["headers"].keys() == expected["headers"].keys() - {"CloudFront-Forwarded-Proto"}
    json.dumps(event)


def test_headers_that_repeat_are_lists_and_the_last_of_each_counts_alone() -> None:
    event = made(headers=[("x-mine", "a"), ("x-mine", "b"), ("authorization", "t"), ("cookie", "a=1")])

    assert event["multiValueHeaders"]["x-mine"] == ["a", "b"]
    assert (event["headers"]["x-mine"], event["headers"]["Authorization"]) == ("b", "t")
    assert event["headers"]["Cookie"] == "a=1"
    assert event["requestContext"]["identity"]["userAgent"] is None


def test_connection_headers_are_left_out_and_forwarding_headers_are_added() -> None:
    event = made(headers=[("connection", "close"), ("content-length", "3"), ("x-forwarded-for", "192.0.2.1")])

    assert event["headers"] == {
        "X-Amzn-Trace-Id": "Root=1-64c1b7c1-3c1bd1d87a1d4b1d1d1d1d1d",
        "X-Forwarded-For": "192.0.2.1, 203.0.113.9",
        "X-Forwarded-Port": "4001",
        "X-Forwarded-Proto": "http",
    }


@pytest.mark.parametrize("name", ["x-forwarded-proto", "X-Forwarded-Port", "x-amzn-trace-id"])
def test_forwarding_headers_from_the_client_are_not_trusted(name: str) -> None:
    event = made(headers=[(name, "claimed")])

    assert "claimed" not in json.dumps(event)


def test_the_path_stays_encoded_and_the_query_is_decoded() -> None:
    event = made(path="/prod/a/test%2Balias@x/", query="plus=a+b&mail=a%2Bb&none=&none")

    assert event["path"] == "/a/test%2Balias@x/"
    assert event["requestContext"]["path"] == "/prod/a/test%2Balias@x/"
    assert event["pathParameters"] == {"proxy": "a/test%2Balias@x"}
    assert event["queryStringParameters"] == {"plus": "a b", "mail": "a+b", "none": ""}
    assert event["multiValueQueryStringParameters"]["none"] == ["", ""]


@pytest.mark.parametrize(
    ("sent", "path", "whole", "proxy"),
    [
        ("/prod/test", "/test", "/prod/test", "test"),
        ("/test", "/test", "/test", "test"),
        ("/prod//test", "/test", "/prod//test", "test"),
        ("//prod/test", "/test", "/prod/test", "test"),
        ("/prod/a//b", "/a//b", "/prod/a//b", "a//b"),
        ("/prod/prod/a", "/prod/a", "/prod/prod/a", "prod/a"),
    ],
)
def test_the_path_is_without_the_stage_that_the_contexts_path_keeps(
    sent: str, path: str, whole: str, proxy: str
) -> None:
    event = made(path=sent)

    assert (event["resource"], event["path"], event["requestContext"]["path"]) == ("/{proxy+}", path, whole)
    assert event["pathParameters"] == {"proxy": proxy}
    assert event["requestContext"]["stage"] == "prod"


def test_what_is_empty_is_null() -> None:
    api = replace(API, routes=(replace(API.routes[0], path="/"),))
    event = made(api, path="/", query="")

    for name in (
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    ):
        assert event[name] is None


@pytest.mark.parametrize(
    ("types", "content_type", "body", "expected"),
    [
        ((), "application/json", "ä".encode(), ("ä", False)),
        ((), "image/png", b"\xff", ("\ufffd", False)),
        (("image/png",), "image/PNG; x=y", b"\xff", ("/w==", True)),
        (("image/png",), "text/plain", b"a", ("a", False)),
        (("*/*",), "text/plain", b"a", ("YQ==", True)),
        (("image/*",), "image/png", b"\xff", ("/w==", True)),
        (("image/*",), "text/plain", b"a", ("a", False)),
        (("*/*",), "text/plain", b"", (None, False)),
    ],
)
def test_a_body_is_base64_only_for_the_apis_binary_types(
    types: tuple[str, ...], content_type: str, body: bytes, expected: tuple[str | None, bool]
) -> None:
    event = made(replace(API, binary_types=types), body=body, headers=[("content-type", content_type)])

    assert (event["body"], event["isBase64Encoded"]) == expected


@pytest.mark.parametrize(
    ("binary", "content_type", "fits"),
    [
        (None, "image/png", False),
        ("image/png", "image/png", True),
        ("image/png", "image/png;q=0.8", True),
        ("image/png", "image/*", False),
        ("application/*", "application/whatever", True),
        ("application/*", "text/plain", False),
        ("application/*", "application", False),
        ("*/test", "application/test", False),
        ("*/test", "*/test", False),
        ("*/*", "application/test", True),
        ("*/*", "*/*", True),
        ("*/*", "", True),
        ("image/png", "*/*", False),
    ],
)
def test_a_type_is_binary_if_it_or_its_kind_is_named_or_all_are(
    binary: str | None, content_type: str, *, fits: bool
) -> None:
    assert is_binary(replace(API, binary_types=(binary,) if binary else ()), content_type) is fits


def test_a_custom_domain_name_is_that_of_the_event() -> None:
    match = find(API, REQUEST.method, REQUEST.path)
    assert match is not None
    seen = REQUEST.at("app.example.com")

    event = rest_event(API, match, seen, TRACE, NOW, request_id="c6af9ac6", domain="app.example.com")

    assert event["requestContext"]["domainName"] == "app.example.com"
    assert event["requestContext"]["domainPrefix"] == "app"
    names = ("Host", "X-Forwarded-Proto", "X-Forwarded-Port")
    assert [event["headers"][name] for name in names] == ["app.example.com", "https", "443"]
