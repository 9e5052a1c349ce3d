"""For a request that cannot be read, the client gets status 400 if nothing has been sent, and the log a warning."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from asynchronous import run
from http_events import url_event
from invoking import DIRECT, FUNCTION_URL, HTTP_API, LOAD_BALANCER, REST_API, WEBSOCKET, Handler, Loop, invoke
from lambda_streamify import Request, StreamingResponse, asgi, keepalive, open_stream, sse, streaming, wsgi
from lambda_streamify._response.refusal import refusal
from lambda_streamify.errors import BadRequest
from lambda_streamify.testing import call, call_async, collect

WARNING = "the request is answered with status 400: no thanks"
HEADERS = {"content-type": "text/plain; charset=utf-8"}
HTTP_CALLERS = {"function URL": FUNCTION_URL, "REST API": REST_API, "HTTP API": HTTP_API, "ALB": LOAD_BALANCER}
http_callers = pytest.mark.parametrize("event", HTTP_CALLERS.values(), ids=HTTP_CALLERS)


def at_once(_event: Any, _context: Any) -> Any:
    raise BadRequest("no thanks")


async def in_a_coroutine(_event: Any, _context: Any) -> Any:
    await asyncio.sleep(0)
    raise BadRequest("no thanks")


def before_the_first_chunk(_event: Any, _context: Any) -> Any:
    at_once(None, None)
    yield "one"


async def before_the_first_asynchronous_chunk(_event: Any, _context: Any) -> Any:
    await in_a_coroutine(None, None)
    yield "one"


def in_a_body(_event: Any, _context: Any) -> Any:
    return {"statusCode": 201, "headers": {"x-a": "b"}, "body": before_the_first_chunk(None, None)}


def in_a_response(_event: Any, _context: Any) -> Any:
    return StreamingResponse(before_the_first_chunk(None, None), 201, {"x-a": "b"})


def in_events(_event: Any, _context: Any) -> Any:
    return keepalive(sse.events(before_the_first_chunk(None, None)), 10**6)


def opened_and_never_written(_event: Any, _context: Any) -> Any:
    with open_stream(201, {"x-a": "b"}):
        at_once(None, None)


HANDLERS = [
    at_once,
    in_a_coroutine,
    before_the_first_chunk,
    before_the_first_asynchronous_chunk,
    in_a_body,
    in_a_response,
    in_events,
    opened_and_never_written,
]
handlers = pytest.mark.parametrize("handler", HANDLERS)
decorated = pytest.mark.parametrize("decorate", [lambda handler: handler, streaming], ids=["", "@streaming"])


def midway(_event: Any, _context: Any) -> Any:
    yield "one"
    at_once(None, None)


async def midway_async(_event: Any, _context: Any) -> Any:
    yield "one"
    await in_a_coroutine(None, None)


def eager(_event: Any, _context: Any) -> Any:
    return StreamingResponse(before_the_first_chunk(None, None), eager=True)


# --- under this runtime ----------------------------------------------------------------------------------------------


@handlers
@decorated
@http_callers
def test_before_the_first_byte_it_is_a_response_and_a_warning(
    handler: Handler, decorate: Callable[[Handler], Handler], event: Any, loop: Loop
) -> None:
    outcome = invoke(decorate(handler), event, loop=loop)

    assert outcome.path == "response"
    if event is FUNCTION_URL:
        assert outcome.sent.prelude == {"statusCode": 400, "headers": HEADERS}
        assert outcome.sent.content == b"no thanks\n"
    else:
        answer = {"statusCode": 400, "headers": HEADERS, "body": "no thanks\n", "isBase64Encoded": False}
        assert outcome.sent.json == answer
    assert outcome.log.errors == []
    [line] = outcome.log.messages
    assert line.startswith("[WARNING]")
    assert line.endswith(f"\trequest-1\t{WARNING}\n")


def test_a_rest_api_that_streams_gets_status_and_headers_first() -> None:
    outcome = invoke(at_once, REST_API, mode="response_stream")

    assert (outcome.sent.prelude["statusCode"], outcome.sent.content) == (400, b"no thanks\n")


@pytest.mark.parametrize("event", [FUNCTION_URL, REST_API])
def test_in_buffered_mode_it_is_one_json_object(event: Any) -> None:
    outcome = invoke(before_the_first_chunk, event, mode="buffered")

    assert (outcome.sent.json["statusCode"], outcome.sent.json["body"]) == (400, "no thanks\n")


def test_a_load_balancer_with_multi_value_headers_gets_such_headers() -> None:
    outcome = invoke(at_once, {**LOAD_BALANCER, "multiValueHeaders": {"host": ["x"]}})

    assert outcome.sent.json["multiValueHeaders"] == {name: [value] for name, value in HEADERS.items()}
    assert "headers" not in outcome.sent.json


def test_the_message_is_not_sent_in_answer_to_head() -> None:
    outcome = invoke(at_once, url_event(method="HEAD"))

    assert (outcome.sent.prelude["statusCode"], outcome.sent.content) == (400, b"")


@handlers
@pytest.mark.parametrize("event", [DIRECT, WEBSOCKET, None])
def test_for_a_caller_without_http_it_is_an_ordinary_error(handler: Handler, event: Any, loop: Loop) -> None:
    outcome = invoke(handler, event, loop=loop)

    assert outcome.path == "error"
    assert outcome.sent.json["errorType"] == "BadRequest"
    [[line, *_]] = outcome.log.errors
    assert line == "[ERROR] BadRequest: no thanks"
    assert not any("400" in message for message in outcome.log.messages)


@pytest.mark.parametrize("handler", [midway, midway_async, eager])
@decorated
def test_after_the_first_byte_it_is_an_ordinary_error(
    handler: Handler, decorate: Callable[[Handler], Handler], loop: Loop
) -> None:
    outcome = invoke(decorate(handler), FUNCTION_URL, loop=loop)

    assert outcome.sent.prelude["statusCode"] == 200
    assert outcome.sent.trailed_error["errorType"] == "BadRequest"
    [[line, *_]] = outcome.log.errors
    assert line == "[ERROR] BadRequest: no thanks"
    assert outcome.log.messages == []


def test_a_collected_response_sends_nothing_before_its_end() -> None:
    assert invoke(midway, HTTP_API).sent.json["statusCode"] == 400


def test_a_decorator_above_streaming_sees_the_error_and_may_answer_instead() -> None:
    inner = streaming(before_the_first_chunk)

    def handler(event: Any, context: Any) -> Any:
        try:
            return inner(event, context)
        except BadRequest as error:
            return {"statusCode": 422, "body": str(error)}

    outcome = invoke(handler, FUNCTION_URL)

    assert (outcome.sent.prelude["statusCode"], outcome.sent.content) == (422, b"no thanks")
    assert outcome.log.messages == []


def test_a_body_that_refuses_is_closed_before_the_answer_is_sent() -> None:
    closed = []

    def handler(_event: Any, _context: Any) -> Any:
        try:
            at_once(None, None)
            yield "one"
        finally:
            closed.append(True)

    assert invoke(handler, FUNCTION_URL).sent.prelude["statusCode"] == 400
    assert closed == [True]


def test_the_message_may_have_any_characters() -> None:
    def handler(_event: Any, _context: Any) -> Any:
        raise BadRequest("é \ud800")

    assert invoke(handler, FUNCTION_URL).sent.content == "é ?\n".encode()


@pytest.mark.parametrize("make", [asgi.handler, wsgi.handler])
def test_a_request_to_an_app_that_cannot_be_read_is_refused_too(make: Callable[[Any], Handler]) -> None:
    def app(*_: Any) -> Any:
        raise AssertionError("the app was called")

    loop = asyncio.new_event_loop()
    try:
        outcome = invoke(make(app), {**url_event(), "body": "%", "isBase64Encoded": True}, loop=lambda: loop)
    finally:
        loop.close()

    assert outcome.sent.prelude["statusCode"] == 400
    assert b"not base64" in outcome.sent.content or b"base64 does not have" in outcome.sent.content


def test_a_handler_that_reads_a_request_refuses_what_it_cannot_read() -> None:
    def handler(event: Any, _context: Any) -> Any:
        yield Request(event).json()["prompt"]

    outcome = invoke(handler, url_event(method="POST", body=b"{"))

    assert outcome.sent.prelude["statusCode"] == 400
    assert outcome.sent.content.startswith(b"the body is not JSON: ")


# --- under another runtime -------------------------------------------------------------------------------------------


@handlers
@http_callers
def test_under_another_runtime_streaming_returns_the_response(
    handler: Handler, event: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer = streaming(handler)(event, None)

    assert answer == {"statusCode": 400, "headers": HEADERS, "body": "no thanks\n", "isBase64Encoded": False}
    [record] = [record for record in caplog.records if record.name.startswith("lambda_streamify")]
    assert (record.levelno, record.getMessage(), record.exc_info) == (logging.WARNING, WARNING, None)


@pytest.mark.parametrize("handler", [in_a_coroutine, before_the_first_asynchronous_chunk])
def test_under_another_runtime_streaming_returns_the_response_in_an_event_loop_too(handler: Handler) -> None:
    async def answer() -> Any:
        return await streaming(handler)(FUNCTION_URL, None)

    assert run(answer())["statusCode"] == 400


@pytest.mark.parametrize("event", [DIRECT, WEBSOCKET, None])
def test_under_another_runtime_a_caller_without_http_gets_the_error(event: Any) -> None:
    with pytest.raises(BadRequest, match="no thanks"):
        streaming(at_once)(event, None)


@pytest.mark.parametrize("handler", [midway, eager])
def test_under_another_runtime_an_error_after_the_first_chunk_is_raised(handler: Handler) -> None:
    with pytest.raises(BadRequest, match="no thanks"):
        streaming(handler)(FUNCTION_URL, None)


@handlers
def test_a_unit_test_collects_the_response(handler: Handler) -> None:
    async def awaited() -> Any:
        return await call_async(handler, FUNCTION_URL)

    for response in (call(handler, FUNCTION_URL), run(awaited())):
        assert (response.status_code, response.headers, response.text) == (400, HEADERS, "no thanks\n")


def test_a_unit_test_that_passes_no_event_gets_the_error() -> None:
    with pytest.raises(BadRequest):
        call(at_once)
    with pytest.raises(BadRequest):
        collect(before_the_first_chunk(None, None))


def test_the_refusal_is_a_proxy_dict_that_every_service_reads() -> None:
    warned: list[str] = []

    answer = refusal(BadRequest("no"), "cookies", warned.append)

    assert answer == {"statusCode": 400, "headers": HEADERS, "body": "no\n", "isBase64Encoded": False}
    assert warned == ["the request is answered with status 400: no"]
