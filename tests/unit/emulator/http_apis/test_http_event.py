import json
from dataclasses import replace
from typing import Any

from lambda_streamify_emulator.http_apis.event import http_event
from lambda_streamify_emulator.http_apis.routes import find_route
from lambda_streamify_emulator.template.apis import FORMAT_1, FORMAT_2, HTTP, Api, Route
from lambda_streamify_emulator.web.request import Request
from request_events import event as sample

ITEM = Route("GET", "/words/{id}", "hello", is_streamed=False, payload_format=FORMAT_2)
API = Api("Mine", "$default", (ITEM,), kind=HTTP)
REQUEST = Request(
    "GET",
    "/words/one%2Ftwo",
    "tag=a&tag=b",
    [("accept", "*/*"), ("cookie", "a=1; b=2"), ("host", "localhost:4001"), ("user-agent", "curl/8.4.0")],
    "203.0.113.9",
    b"",
    port=4001,
)
TRACE = "Root=1-64c1b7c1-3c1bd1d87a1d4b1d1d1d1d1d;Parent=1;Sampled=0"


def made(api: Api = API, **changed: Any) -> dict[str, Any]:
    request = replace(REQUEST, **changed)
    match = find_route(api, request.method, request.path)
    assert match is not None
    event = http_event(api, match, request, TRACE, 1785096000.0, request_id="c6af9ac6")
    json.dumps(event)
    return event


def with_route(**changed: Any) -> Api:
    return replace(API, routes=(replace(ITEM, **changed),))


def test_format_2_has_the_fields_of_aws() -> None:
    event, expected = made(), sample("http-api")

    assert event.keys() - {"pathParameters"} <= expected.keys() | {"cookies", "queryStringParameters"}
    assert event["requestContext"].keys() <= expected["requestContext"].keys()
    assert (event["version"], event["routeKey"]) == ("2.0", "GET /words/{id}")


def test_format_2_decodes_the_path_and_has_cookies_in_their_field_only() -> None:
    event = made()

    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/words/one/two"
    assert event["pathParameters"] == {"id": "one/two"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert "cookie" not in event["headers"]
    assert not [name for name in event["headers"] if name.startswith("x-amzn-tls")]
    assert event["queryStringParameters"] == {"tag": "a,b"}
    context = event["requestContext"]
    assert (context["accountId"], context["stage"], context["routeKey"]) == (
        "123456789012",
        "$default",
        "GET /words/{id}",
    )


def test_a_stage_of_its_own_is_part_of_the_path() -> None:
    event = made(replace(API, stage="v1"), path="/v1/words/a")

    assert (event["rawPath"], event["requestContext"]["stage"]) == ("/v1/words/a", "v1")
    assert event["pathParameters"] == {"id": "a"}


def test_format_1_has_the_whole_path_and_a_body_in_base64_unless_it_is_text() -> None:
    api = replace(with_route(payload_format=FORMAT_1, method="ANY"), stage="v1")
    event = made(api, method="POST", path="/v1/words/a%20b", body=b"\xff", headers=[("content-type", "image/png")])

    assert (event["version"], event["resource"], event["path"]) == ("1.0", "/words/{id}", "/v1/words/a b")
    assert event["pathParameters"] == {"id": "a b"}
    assert (event["body"], event["isBase64Encoded"]) == ("/w==", True)
    assert event["multiValueQueryStringParameters"] == {"tag": ["a", "b"]}
    assert event["requestContext"]["authorizer"] == {"claims": None, "scopes": None}
    event = made(api, method="POST", path="/v1/words/a", body=b"{}", headers=[("content-type", "application/json")])
    assert (event["body"], event["isBase64Encoded"]) == ("{}", False)


def test_the_route_that_fits_best_is_chosen_and_the_default_one_last() -> None:
    routes = [("ANY", "$default"), ("ANY", "/{proxy+}"), ("POST", "/words/{id}"), ("ANY", "/words/{id}")]
    api = replace(API, routes=tuple(replace(ITEM, method=method, path=path) for method, path in routes))

    def key(method: str, path: str) -> Any:
        return made(api, method=method, path=path)["routeKey"]

    assert key("POST", "/words/a") == "POST /words/{id}"
    assert key("GET", "/words/a") == "ANY /words/{id}"
    assert key("GET", "/words/a/b") == "ANY /{proxy+}"
    assert key("GET", "/") == "$default"
    assert "pathParameters" not in made(api, path="/")
