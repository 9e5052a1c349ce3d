"""Every resolver streams lambda_streamify.powertools.StreamingResponse, which is a Response of Powertools otherwise."""
# ruff: noqa: ANN202
# mypy: disable-error-code="no-untyped-def, untyped-decorator"

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aws_lambda_powertools import Tracer
from aws_lambda_powertools.event_handler import (
    ALBResolver,
    APIGatewayHttpResolver,
    APIGatewayRestResolver,
    CORSConfig,
    LambdaFunctionUrlResolver,
    Response,
)
from aws_lambda_powertools.event_handler.api_gateway import Router
from aws_lambda_powertools.shared.cookies import Cookie
from aws_lambda_powertools.utilities.typing import LambdaContext
from aws_xray_sdk.core import xray_recorder  # type: ignore[import-untyped]

import lambda_streamify
from gate import Gate
from http_events import rest_event, url_event
from invoking import Outcome, invoke, invoke_scripted
from lambda_streamify import keepalive, sse, streaming
from lambda_streamify.errors import ChunkTypeError
from lambda_streamify.powertools import StreamingResponse
from request_events import event
from scripted_api import ACCEPTED, Peer

HEADERS = {"origin": "https://app.example", "accept-encoding": "gzip"}
STREAMING = {
    "function URL": (LambdaFunctionUrlResolver, url_event("/words", headers=HEADERS)),
    "REST API": (APIGatewayRestResolver, rest_event("/words", headers=HEADERS)),
}
COLLECTED = {
    "HTTP API": (APIGatewayHttpResolver, {**event("http-api"), "rawPath": "/words"}),
    "ALB": (ALBResolver, {**event("alb"), "path": "/words"}),
    "ALB, multi-value headers": (
        ALBResolver,
        {
            **{name: part for name, part in event("alb").items() if name not in ("headers", "queryStringParameters")},
            "path": "/words",
            "multiValueHeaders": {"host": ["words"]},
            "multiValueQueryStringParameters": {},
        },
    ),
}
CALLERS = {**STREAMING, **COLLECTED}

streaming_callers = pytest.mark.parametrize("caller", STREAMING)
every_caller = pytest.mark.parametrize("caller", CALLERS)
validated = pytest.mark.parametrize("validation", [False, True], ids=["", "validation"])


def words() -> Iterator[str]:
    yield "one"
    yield "two"


async def async_words() -> AsyncIterator[str]:
    for word in words():
        await asyncio.sleep(0)
        yield word


def app_for(caller: str, **settings: Any) -> Any:
    return CALLERS[caller][0](**settings)


def resolved(app: Any, caller: str, **arguments: Any) -> Outcome:
    return invoke(app.resolve, CALLERS[caller][1], **arguments)


def headers_of(answer: dict[str, Any]) -> dict[str, str]:
    """Return the headers, of either form, with names in lower case."""
    several = {name: ", ".join(values) for name, values in answer.get("multiValueHeaders", {}).items()}
    return {name.lower(): value for name, value in {**answer.get("headers", {}), **several}.items()}


def answer_of(outcome: Outcome, caller: str) -> dict[str, Any]:
    """Return status, headers and body, whether they were streamed or not."""
    if caller in STREAMING:
        return {**outcome.sent.prelude, "body": outcome.sent.content.decode()}
    return dict(outcome.sent.json)


# --- the response ----------------------------------------------------------------------------------------------------


@every_caller
@validated
def test_a_route_of_every_resolver_answers_with_its_chunks(caller: str, *, validation: bool) -> None:
    app = app_for(caller, enable_validation=validation)

    @app.get("/words")
    def route():
        return StreamingResponse(words(), 201, {"x-a": "b"}, [Cookie("a", "1")], "text/csv")

    outcome = resolved(app, caller)

    answer = answer_of(outcome, caller)
    headers = headers_of(answer)
    assert (answer["statusCode"], answer["body"]) == (201, "onetwo")
    assert (headers["content-type"], headers["x-a"]) == ("text/csv", "b")
    assert "a=1; Secure" in (*answer.get("cookies", []), headers.get("set-cookie"))
    if caller in STREAMING:
        assert outcome.sent.chunks[1:] == [b"one", b"two"]


@streaming_callers
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
        return StreamingResponse(gated(), content_type="application/json")

    def script(peer: Peer) -> None:
        assert b"two" not in peer.read_until(b"one")
        gate.open()
        peer.read_until(b"0\r\n\r\n")
        peer.send(ACCEPTED)

    invoke_scripted(app.resolve, STREAMING[caller][1], script)


@every_caller
def test_a_router_s_route_streams(caller: str) -> None:
    app, router = app_for(caller), Router()  # type: ignore[no-untyped-call]

    @router.get("/words")
    def route():
        return StreamingResponse(words())

    app.include_router(router)

    answer = answer_of(resolved(app, caller), caller)
    assert (answer["body"], headers_of(answer)["content-type"]) == ("onetwo", "text/plain; charset=utf-8")


class Words:
    """An iterable that is not an iterator, such as a query's rows, and must be closed."""

    content_type = "text/x-words"

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[str]:
        return words()

    def close(self) -> None:
        self.closed = True


class AsyncWords:
    def __aiter__(self) -> AsyncIterator[str]:
        return async_words()


BODIES = {
    "generator": (words, "text/plain; charset=utf-8"),
    "list": (lambda: ["one", "two"], "text/plain; charset=utf-8"),
    "tuple of bytes": (lambda: (b"one", b"two"), "application/octet-stream"),
    "iterable": (Words, "text/x-words"),
    "str": (lambda: "onetwo", "text/plain; charset=utf-8"),
    "bytes": (lambda: b"onetwo", "application/octet-stream"),
    "file": (lambda: io.BytesIO(b"onetwo"), "application/octet-stream"),
    "keepalive": (lambda: keepalive(words(), 10**6, "."), "text/plain; charset=utf-8"),
    "asynchronous generator": (async_words, "text/plain; charset=utf-8"),
    "asynchronous iterable": (AsyncWords, "text/plain; charset=utf-8"),
}


@pytest.mark.parametrize(("make", "content_type"), BODIES.values(), ids=BODIES)
@streaming_callers
@validated
def test_every_kind_of_body_streams(caller: str, make: Any, content_type: str, *, validation: bool) -> None:
    app = app_for(caller, enable_validation=validation)
    body = make()

    @app.get("/words")
    def route():
        return StreamingResponse(body)

    loop = asyncio.new_event_loop()
    try:
        outcome = resolved(app, caller, loop=lambda: loop)
    finally:
        loop.close()

    assert outcome.sent.content == b"onetwo"
    assert headers_of(outcome.sent.prelude)["content-type"] == content_type
    assert getattr(body, "closed", True)


@streaming_callers
def test_the_body_s_own_type_is_sent_and_middlewares_see_it(caller: str) -> None:
    app, seen = app_for(caller), []

    def middleware(app: Any, next_middleware: Any) -> Any:
        response = next_middleware(app)
        seen.append(response.headers["Content-Type"])
        return response

    @app.get("/words", middlewares=[middleware])
    def route():
        return StreamingResponse(sse.events(words()))

    outcome = resolved(app, caller)

    assert outcome.sent.chunks[1:] == [b"data: one\n\n", b"data: two\n\n"]
    assert seen == [headers_of(outcome.sent.prelude)["content-type"]] == [sse.CONTENT_TYPE]


@streaming_callers
@pytest.mark.parametrize("name", ["content-type", "Content-Type"])
def test_a_type_among_the_headers_overrides_content_type_in_any_spelling(caller: str, name: str) -> None:
    app = app_for(caller)

    @app.get("/words")
    def route():
        return StreamingResponse(words(), headers={name: "text/csv"}, content_type="text/html")

    prelude = resolved(app, caller).sent.prelude

    assert headers_of(prelude)["content-type"] == "text/csv"


@every_caller
def test_cookies_may_be_text(caller: str) -> None:
    app = app_for(caller)

    @app.get("/words")
    def route():
        return StreamingResponse(words(), cookies="a=1; HttpOnly", headers={"x-several": ["b", "c"]})

    if caller == "ALB":
        with pytest.warns(UserWarning, match="more than one header value"):
            answer = answer_of(resolved(app, caller), caller)
    else:
        answer = answer_of(resolved(app, caller), caller)
        assert headers_of(answer)["x-several"] == "b, c"
    assert "a=1; HttpOnly" in (*answer.get("cookies", []), headers_of(answer).get("set-cookie"))


@pytest.mark.parametrize("body", [None, 42, {"a": 1}])
def test_a_body_that_is_a_value_is_an_error_at_once(body: Any) -> None:
    with pytest.raises(ChunkTypeError, match=f"the body of the response is a {type(body).__name__}; pass a gen"):
        StreamingResponse(body)


@every_caller
def test_under_another_runtime_it_is_collected(caller: str) -> None:
    app = app_for(caller)

    @app.get("/words")
    def route():
        return StreamingResponse(words(), 201, content_type="text/csv")

    answer = streaming(app.resolve)(CALLERS[caller][1], None)

    assert (answer["statusCode"], answer["body"], answer["isBase64Encoded"]) == (201, "onetwo", False)
    assert headers_of(answer)["content-type"] == "text/csv"


@every_caller
def test_an_asynchronous_route_streams(caller: str) -> None:
    app = app_for(caller, enable_validation=True)

    @app.get("/words")
    async def route() -> StreamingResponse:
        await asyncio.sleep(0)
        return StreamingResponse(async_words())

    async def handler(event: Any, context: Any) -> Any:
        return await app.resolve_async(event, context)

    loop = asyncio.new_event_loop()
    try:
        outcome = invoke(handler, CALLERS[caller][1], loop=lambda: loop)
    finally:
        loop.close()

    assert answer_of(outcome, caller)["body"] == "onetwo"


# --- as Powertools' Response -----------------------------------------------------------------------------------------


@every_caller
def test_cors_and_cache_headers_are_added(caller: str) -> None:
    app = app_for(caller, cors=CORSConfig(allow_origin="https://app.example", allow_credentials=True))
    _, sent = CALLERS[caller]
    for field, value in (("headers", "https://app.example"), ("multiValueHeaders", ["https://app.example"])):
        if field in sent:
            sent = {**sent, field: {**sent[field], "origin": value}}

    @app.get("/words", cache_control="max-age=60")
    def route():
        return StreamingResponse(words())

    headers = headers_of(answer_of(invoke(app.resolve, sent), caller))

    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["cache-control"] == "max-age=60"


@streaming_callers
def test_middlewares_may_change_and_replace_it(caller: str) -> None:
    app = app_for(caller)

    def shout(app: Any, next_middleware: Any) -> Any:
        response = next_middleware(app)
        response.headers["x-seen"] = "yes"
        response.status_code = 202
        response.body = (word.upper() for word in response.body)
        return response

    app.use([shout])

    @app.get("/words")
    def route():
        return StreamingResponse(words())

    outcome = resolved(app, caller)

    assert outcome.sent.chunks[1:] == [b"ONE", b"TWO"]
    assert (outcome.sent.prelude["statusCode"], headers_of(outcome.sent.prelude)["x-seen"]) == (202, "yes")


@streaming_callers
def test_a_middleware_may_replace_the_stream_with_a_value(caller: str) -> None:
    app = app_for(caller)

    def replace(app: Any, next_middleware: Any) -> Any:
        response = next_middleware(app)
        response.body = {"replaced": True}
        return response

    @app.get("/words", middlewares=[replace])
    def route():
        return StreamingResponse(words(), content_type="application/json")

    answer = app.resolve(STREAMING[caller][1], None)

    assert json.loads(answer["body"]) == {"replaced": True}


@every_caller
@validated
def test_an_exception_handler_may_return_it(caller: str, *, validation: bool) -> None:
    app = app_for(caller, enable_validation=validation)

    @app.exception_handler(ValueError)
    def handle(_: ValueError):
        return StreamingResponse(words(), 418)

    @app.get("/words")
    def route():
        raise ValueError

    answer = answer_of(resolved(app, caller), caller)
    assert (answer["statusCode"], answer["body"]) == (418, "onetwo")


@every_caller
@pytest.mark.parametrize("compress", [True, False])
def test_it_is_not_compressed_even_if_its_route_compresses(caller: str, *, compress: bool) -> None:
    app = app_for(caller)
    headers = {"accept-encoding": "gzip"}
    sent = {**CALLERS[caller][1], "headers": headers}
    if "multi-value" in caller:
        sent = {**CALLERS[caller][1], "multiValueHeaders": {"accept-encoding": ["gzip"]}}

    @app.get("/words", compress=compress)
    def route():
        return StreamingResponse(words())

    answer = answer_of(invoke(app.resolve, sent), caller)

    assert answer["body"] == "onetwo"
    assert "content-encoding" not in headers_of(answer)


class Daemon:
    """Replaces X-Ray's daemon, and keeps what would be sent to it."""

    def __init__(self) -> None:
        self.received: list[Any] = []

    def send_entity(self, entity: Any) -> None:
        self.received.append(json.loads(entity.serialize()))


def test_the_tracer_s_decorator_records_it_without_reading_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = Daemon()
    monkeypatch.setattr(Tracer, "_config", dict(Tracer._default_config))  # noqa: SLF001 - all tracers share it
    monkeypatch.setattr(xray_recorder, "_emitter", daemon)
    tracer = Tracer(service="words", auto_patch=False, disabled=False)
    app = LambdaFunctionUrlResolver()

    @app.get("/words")
    @tracer.capture_method
    def route():
        return StreamingResponse(words(), content_type="text/csv")

    xray_recorder.begin_segment("test", sampling=1)
    try:
        answer = app.resolve(url_event("/words"), LambdaContext())
    finally:
        xray_recorder.clear_trace_entities()

    assert list(answer["body"]) == ["one", "two"]
    [subsegment] = daemon.received
    [response] = [value for name, value in subsegment["metadata"]["words"].items() if name.endswith("response")]
    assert (response["status_code"], response["headers"]) == (200, {"Content-Type": "text/csv"})
    assert "body" not in response


# --- validation ------------------------------------------------------------------------------------------------------


@every_caller
@pytest.mark.parametrize("annotation", [StreamingResponse, tuple[StreamingResponse, int]], ids=["alone", "in a tuple"])
def test_a_route_may_be_annotated_with_it(caller: str, annotation: Any) -> None:
    app = app_for(caller, enable_validation=True)

    def route():
        return StreamingResponse(words(), content_type="application/json")

    route.__annotations__["return"] = annotation
    app.get("/words")(route)

    assert answer_of(resolved(app, caller), caller)["body"] == "onetwo"
    schema = app.get_openapi_schema().paths["/words"].get.responses[200]
    assert schema.content["application/json"].schema_.type == "string"


@streaming_callers
def test_parameters_are_validated_as_before(caller: str) -> None:
    app = app_for(caller, enable_validation=True)

    @app.get("/<count>")
    def route(count: int) -> StreamingResponse:
        return StreamingResponse(iter(["one"] * count))

    answer = app.resolve(STREAMING[caller][1], None)

    assert answer["statusCode"] == 422
    assert json.loads(answer["body"])["detail"][0]["type"] == "int_parsing"


@streaming_callers
@pytest.mark.parametrize("annotation", [Any, Response[Any], list[str], Response[list[str]]], ids=str)
def test_an_annotation_that_reads_the_stream_is_an_error(caller: str, annotation: Any) -> None:
    app = app_for(caller, enable_validation=True)

    def route():
        return StreamingResponse(words())

    route.__annotations__["return"] = annotation
    app.get("/words")(route)

    outcome = resolved(app, caller)

    if outcome.path == "error":
        assert "annotate the route with `-> StreamingResponse`" in outcome.sent.json["errorMessage"]
    else:  # what Pydantic refuses before it reads the stream
        assert answer_of(outcome, caller)["statusCode"] == 422


# --- lambda_streamify.StreamingResponse ------------------------------------------------------------------------------


@every_caller
@validated
def test_the_layer_s_own_response_in_a_route_is_an_error_that_names_this_import(
    caller: str, *, validation: bool
) -> None:
    app = app_for(caller, enable_validation=validation)

    @app.get("/words")
    def route():
        return lambda_streamify.StreamingResponse(words())

    outcome = resolved(app, caller)

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == "TypeError"
    assert "from lambda_streamify.powertools import StreamingResponse" in outcome.sent.json["errorMessage"]
