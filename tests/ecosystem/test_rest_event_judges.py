"""The emulator's events of REST APIs, as the libraries read them that read AWS's."""

import asyncio
import json
from typing import Any, cast

from apig_wsgi import make_lambda_handler
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEvent
from mangum import Mangum

from lambda_streamify_emulator.rest_apis.event import rest_event
from lambda_streamify_emulator.rest_apis.routes import find
from lambda_streamify_emulator.template.apis import Api, Route
from lambda_streamify_emulator.web.request import Request

API = Api("Mine", "live", (Route("ANY", "/words/{proxy+}", "hello", is_streamed=True),), binary_types=("image/png",))


def made(method: str = "GET", path: str = "/live/words/one", query: str = "", body: bytes = b"") -> dict[str, Any]:
    headers = [("host", "localhost:4001"), ("user-agent", "curl/8.4.0"), ("cookie", "a=1"), ("x-many", "1")]
    headers += [("x-many", "2"), ("content-type", "image/png" if body[:1] == b"\xff" else "application/json")]
    match = find(API, method, path)
    assert match is not None
    request = Request(method, path, query, headers, "203.0.113.9", body)
    event = rest_event(API, match, request, "Root=1-0-0", 1785096000.0, request_id="1f6a7b3c")
    loaded: dict[str, Any] = json.loads(json.dumps(event))
    return loaded


def test_powertools_reads_all_of_it() -> None:
    event = APIGatewayProxyEvent(made(query="tag=a&tag=b%20c"))

    assert (event.http_method, event.path, event.resource) == ("GET", "/words/one", "/words/{proxy+}")
    assert event.path_parameters == {"proxy": "one"}
    assert event.multi_value_query_string_parameters == {"tag": ["a", "b c"]}
    assert event.query_string_parameters == {"tag": "b c"}
    assert event.multi_value_headers["x-many"] == ["1", "2"]
    assert event.headers["User-Agent"] == "curl/8.4.0"
    context = event.request_context
    assert (context.stage, context.path, context.resource_path) == ("live", "/live/words/one", "/words/{proxy+}")
    assert (context.identity.source_ip, context.protocol) == ("203.0.113.9", "HTTP/1.1")
    assert context.request_time_epoch == 1785096000000


def test_powertools_decodes_the_body() -> None:
    assert APIGatewayProxyEvent(made("POST", body=b'{"word": "one"}')).json_body == {"word": "one"}
    # With BinaryMediaTypes it comes as base64.
    event = APIGatewayProxyEvent({**made("POST", body=b"\xff\x00"), "body": "b25l"})
    assert event.is_base64_encoded
    assert event.decoded_body == "one"


def test_powertools_routes_by_the_path_without_the_stage() -> None:
    app = APIGatewayRestResolver()

    @app.get("/words/<word>")
    def word(word: str) -> dict[str, str]:
        return {"word": word}

    assert json.loads(app.resolve(made(), cast("Any", None))["body"]) == {"word": "one"}


async def _echo(scope: Any, receive: Any, send: Any) -> None:
    body = (await receive())["body"]
    seen = [scope["method"], scope["path"], scope["query_string"].decode(), list(body), scope["client"][0]]
    many = [value.decode() for name, value in scope["headers"] if name == b"x-many"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps([*seen, ",".join(many)]).encode()})


def test_mangum_makes_the_same_request_of_it() -> None:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # Mangum takes the thread's own
    try:
        reply = Mangum(_echo, lifespan="off")(made("POST", query="a=1&a=2", body=b"\xff\x00"), cast("Any", None))
    finally:
        asyncio.set_event_loop(None)
        loop.close()

    assert json.loads(reply["body"]) == ["POST", "/words/one", "a=1&a=2", [255, 0], "203.0.113.9", "1, 2"]


def test_apig_wsgi_makes_the_same_request_of_it() -> None:
    seen: dict[str, Any] = {}

    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        seen.update(environ, body=environ["wsgi.input"].read())
        start("200 OK", [("Content-Type", "text/plain")])
        return [b"ok"]

    reply = make_lambda_handler(app)(made("POST", query="a=1&a=2", body=b"\xff\x00"), None)

    assert reply["body"] == "ok"
    assert (seen["REQUEST_METHOD"], seen["PATH_INFO"], seen["QUERY_STRING"]) == ("POST", "/words/one", "a=1&a=2")
    assert (seen["body"], seen["REMOTE_ADDR"], seen["HTTP_X_MANY"]) == (b"\xff\x00", "203.0.113.9", "1,2")
