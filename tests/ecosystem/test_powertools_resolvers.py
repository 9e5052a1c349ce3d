"""Routes of Powertools' event handler that return its own Response with a generator as body, and the limits of that.

Where Powertools validates, a route's return annotation is what its body is validated against: some have none.
"""
# ruff: noqa: ANN202
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aws_lambda_powertools.event_handler import (
    ALBResolver,
    APIGatewayHttpResolver,
    APIGatewayRestResolver,
    CORSConfig,
    LambdaFunctionUrlResolver,
    Response,
)
from aws_lambda_powertools.shared.cookies import Cookie

from documents import blocks
from gate import Gate
from http_events import rest_event, url_event
from invoking import Outcome, invoke, invoke_scripted
from lambda_streamify import sse, streaming
from processes import ROOT
from scripted_api import ACCEPTED, Peer

URL_HEADERS = {"origin": "https://app.example", "accept-encoding": "gzip"}
STREAMING = {
    "function URL": (LambdaFunctionUrlResolver, url_event("/words", headers=URL_HEADERS)),
    "REST API": (APIGatewayRestResolver, rest_event("/words", headers=URL_HEADERS)),
}
COLLECTED = {
    "HTTP API": (APIGatewayHttpResolver, json.loads((ROOT / "events" / "http-api.json").read_text())),
    "ALB": (ALBResolver, json.loads((ROOT / "events" / "alb.json").read_text())),
}
(PAGE,) = [block for block in blocks(ROOT / "docs/guides/observability/powertools.md", "py") if ".powertools" in block]

callers = pytest.mark.parametrize("caller", STREAMING)
validated = pytest.mark.parametrize("validation", [False, True], ids=["", "validation"])


def words() -> Iterator[str]:
    yield "one"
    yield "two"


def app_for(caller: str, **settings: Any) -> Any:
    return STREAMING[caller][0](**settings)


def resolved(app: Any, caller: str) -> Outcome:
    return invoke(app.resolve, STREAMING[caller][1])


def headers_of(outcome: Outcome) -> dict[str, str]:
    """Return the headers of the response, of either form, with names in lower case."""
    prelude = outcome.sent.prelude
    several = {name: value for name, values in prelude.get("multiValueHeaders", {}).items() for value in values}
    return {name.lower(): value for name, value in {**prelude["headers"], **several}.items()}


@callers
@validated
def test_a_response_whose_body_is_a_generator_streams(caller: str, *, validation: bool) -> None:
    app = app_for(caller, enable_validation=validation, cors=CORSConfig(allow_origin="https://app.example"))

    @app.get("/words", cache_control="no-store")
    def route():
        return Response(201, "text/csv", words(), {"x-a": "b"}, [Cookie("a", "1"), Cookie("b", "2")])

    outcome = resolved(app, caller)

    assert outcome.sent.chunks[1:] == [b"one", b"two"]
    prelude, headers = outcome.sent.prelude, headers_of(outcome)
    assert (prelude["statusCode"], prelude["cookies"]) == (201, ["a=1; Secure", "b=2; Secure"])
    assert (headers["content-type"], headers["x-a"]) == ("text/csv", "b")
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["cache-control"] == "no-cache"  # as Powertools has it for any status but 200


@callers
def test_each_chunk_is_out_before_the_next_one_exists(caller: str, gate: Gate) -> None:
    app = app_for(caller)

    def gated() -> Iterator[str]:
        from socket import create_connection

        host, port = gate.address.split(":")
        with create_connection((host, int(port))) as connection:
            yield "one"
            connection.sendall(b"?")
            assert connection.recv(1) == b"!"
            yield "two"

    @app.get("/words")
    def route():
        return Response(200, "text/plain", gated())

    def script(peer: Peer) -> None:
        read = peer.read_until(b"one")
        assert b"two" not in read
        gate.open()
        peer.read_until(b"0\r\n\r\n")
        peer.send(ACCEPTED)

    invoke_scripted(app.resolve, STREAMING[caller][1], script)


def test_the_function_of_the_page_streams() -> None:
    namespace: dict[str, Any] = {}
    exec(PAGE, namespace)  # noqa: S102 - the page's code

    outcome = invoke(namespace["lambda_handler"], url_event("/count/3"))

    assert outcome.sent.chunks[1:] == [b"0\n", b"1\n", b"2\n"]


@callers
def test_a_body_that_knows_its_content_type_is_sent_with_it(caller: str) -> None:
    app = app_for(caller)

    @app.get("/words")
    def route() -> Any:
        return Response(200, body=sse.events(words()))

    outcome = resolved(app, caller)

    assert outcome.sent.chunks[1:] == [b"data: one\n\n", b"data: two\n\n"]
    assert headers_of(outcome)["content-type"].startswith("text/event-stream")


@callers
def test_powertools_converts_a_route_that_is_a_generator_to_json_and_fails(caller: str) -> None:
    app = app_for(caller)
    app.get("/words")(words)

    outcome = resolved(app, caller)

    assert outcome.path == "error"
    assert outcome.sent.json["errorMessage"] == "Object of type generator is not JSON serializable"


def test_under_validation_it_makes_a_list_of_the_chunks() -> None:
    app = LambdaFunctionUrlResolver(enable_validation=True)

    @app.get("/words")
    def route():
        yield from words()

    assert resolved(app, "function URL").sent.content == b'["one","two"]'


@callers
@validated
def test_json_streams_if_the_name_of_its_header_is_in_lower_case(caller: str, *, validation: bool) -> None:
    app = app_for(caller, enable_validation=validation)

    @app.get("/words")
    def route():
        return Response(200, headers={"content-type": "application/json"}, body=iter(['{"a":', "1}"]))

    outcome = resolved(app, caller)

    assert outcome.sent.content == b'{"a":1}'
    assert headers_of(outcome) == {"content-type": "application/json"}


@callers
@pytest.mark.parametrize(("compress", "path"), [(None, "error"), (False, "response")])
def test_a_route_that_compresses_fails_unless_its_response_says_no(
    caller: str, path: str, *, compress: bool | None
) -> None:
    app = app_for(caller)

    @app.get("/words", compress=True)
    def route() -> Any:
        return Response(200, "text/plain", words(), compress=compress)

    outcome = resolved(app, caller)

    assert outcome.path == path
    if path == "response":
        assert outcome.sent.content == b"onetwo"
    else:
        assert outcome.sent.json["errorType"] == "TypeError"


@callers
def test_middlewares_see_the_response_before_it_streams(caller: str) -> None:
    app = app_for(caller)

    def middleware(app: Any, next_middleware: Any) -> Any:
        response = next_middleware(app)
        response.headers["x-seen"] = type(response.body).__name__
        return response

    app.use([middleware])

    @app.get("/words")
    def route() -> Any:
        return Response(200, "text/plain", words())

    outcome = resolved(app, caller)

    assert outcome.sent.chunks[1:] == [b"one", b"two"]
    assert headers_of(outcome)["x-seen"] == "generator"


@callers
def test_exception_handlers_see_what_a_route_raises_and_nothing_of_its_generator(caller: str) -> None:
    app = app_for(caller)
    fails: list[str] = []

    @app.exception_handler(ValueError)
    def answer(error: ValueError) -> Any:
        return Response(418, "text/plain", str(error))

    def failing(when: str) -> Iterator[str]:
        if when == "at once":
            raise ValueError(when)
        yield "one"
        raise ValueError(when)

    @app.get("/words")
    def route() -> Any:
        if fails[0] == "in the route":
            raise ValueError(fails[0])
        return Response(200, "text/plain", failing(fails[0]))

    fails[:] = ["in the route"]
    handled = resolved(app, caller)
    assert b"in the route" in handled.sent.body
    assert b"418" in handled.sent.body

    fails[:] = ["at once"]
    assert resolved(app, caller).path == "error"

    fails[:] = ["midway"]
    cut = resolved(app, caller)
    assert cut.sent.chunks[1:] == [b"one"]
    assert cut.sent.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"


@callers
def test_while_it_streams_the_event_is_there_and_the_context_is_not(caller: str) -> None:
    app = app_for(caller)
    app.append_context(topic="plain")

    def chunks() -> Iterator[str]:
        yield app.current_event.path
        yield str(app.context.get("topic"))

    @app.get("/words")
    def route() -> Any:
        return Response(200, f"text/{app.context['topic']}", chunks())

    outcome = resolved(app, caller)

    assert headers_of(outcome)["content-type"] == "text/plain"
    assert outcome.sent.chunks[1:] == [b"/words", b"None"]


@pytest.mark.parametrize("decorate", [lambda handler: handler, streaming], ids=["", "@streaming"])
@pytest.mark.parametrize("caller", COLLECTED)
def test_callers_that_get_no_stream_get_the_response_in_one_piece(caller: str, decorate: Any) -> None:
    resolver, event = COLLECTED[caller]
    app = resolver()

    @app.get(".+")
    def route() -> Any:
        return Response(201, "text/csv", words())

    answer = invoke(decorate(app.resolve), event).sent.json

    assert (answer["statusCode"], answer["body"], answer.get("isBase64Encoded", False)) == (201, "onetwo", False)
    assert "text/csv" in str({**answer.get("headers", {}), **answer.get("multiValueHeaders", {})})


@callers
def test_an_asynchronous_route_streams_an_asynchronous_generator(caller: str) -> None:
    app = app_for(caller)
    loop = asyncio.new_event_loop()

    async def chunks() -> AsyncIterator[str]:
        for word in words():
            await asyncio.sleep(0)
            yield word

    @app.get("/words")
    async def route() -> Any:
        await asyncio.sleep(0)
        return Response(200, "text/plain", chunks())

    async def handler(event: Any, context: Any) -> Any:
        return await app.resolve_async(event, context)

    try:
        outcome = invoke(handler, STREAMING[caller][1], loop=lambda: loop)
    finally:
        loop.close()

    assert outcome.sent.chunks[1:] == [b"one", b"two"]
