import json
from dataclasses import replace
from typing import Any

import pytest

from lambda_streamify_emulator.rest_apis.event import is_binary, rest_event
from lambda_streamify_emulator.rest_apis.routes import find
from lambda_streamify_emulator.template.apis import Api, Route
from lambda_streamify_emulator.urls.event import Request
from request_events import event as sample

API = Api("Mine", "prod", (Route("ANY", "/{proxy+}", "hello", is_streamed=True),))
REQUEST = Request(
    "GET",
    "/prod/words/one",
    "tag=a&tag=b",
    [("accept", "text/event-stream"), ("host", "localhost:4001"), ("user-agent", "curl/8.4.0")],
    "203.0.113.9",
    b"",
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


def test_headers_of_the_connection_are_left_out_and_the_way_of_the_request_is_told() -> None:
    event = made(headers=[("connection", "close"), ("content-length", "3"), ("x-forwarded-for", "192.0.2.1")])

    assert event["headers"] == {
        "X-Amzn-Trace-Id": "Root=1-64c1b7c1-3c1bd1d87a1d4b1d1d1d1d1d",
        "X-Forwarded-For": "192.0.2.1, 203.0.113.9",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
    }


def test_the_path_stays_encoded_and_the_query_is_decoded() -> None:
    event = made(path="/prod/a/test%2Balias@x/", query="plus=a+b&mail=a%2Bb&none=&none")

    assert event["path"] == "/a/test%2Balias@x/"
    assert event["requestContext"]["path"] == "/prod/a/test%2Balias@x/"
    assert event["pathParameters"] == {"proxy": "a/test%2Balias@x"}
    assert event["queryStringParameters"] == {"plus": "a b", "mail": "a+b", "none": ""}
    assert event["multiValueQueryStringParameters"]["none"] == ["", ""]


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
        (("*/*",), "text/plain", b"", (None, False)),
    ],
)
def test_a_body_is_base64_only_for_the_apis_binary_types(
    types: tuple[str, ...], content_type: str, body: bytes, expected: tuple[str | None, bool]
) -> None:
    event = made(replace(API, binary_types=types), body=body, headers=[("content-type", content_type)])

    assert (event["body"], event["isBase64Encoded"]) == expected


def test_a_type_is_binary_if_it_is_named_or_all_are() -> None:
    assert not is_binary(API, "image/png")
    assert is_binary(replace(API, binary_types=("*/*",)), "")
