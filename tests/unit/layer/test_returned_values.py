"""The value that a generator returns: the answer before the first chunk of a bare generator, otherwise ignored."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Generator
from threading import Event
from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, HTTP_API, REST_API, Handler, Loop, invoke, invoke_scripted, no_loop
from lambda_streamify import StreamingResponse, coalesce, deadline, keepalive, ndjson, sse, streaming
from lambda_streamify.testing import call, call_async, collect, collect_async
from scripted_api import ACCEPTED, WAIT, Peer
from sent import parse

REFUSAL = {"statusCode": 400, "headers": {"content-type": "text/plain"}, "body": "no category"}
WARNING = "the generator of the response has returned a dict, which is left out: "

Body = Generator[Any, None, Any]


def generator(*chunks: Any, value: Any = REFUSAL) -> Body:
    yield from chunks
    return value


class Context:
    """A context whose deadline is far away."""

    def get_remaining_time_in_millis(self) -> int:
        return 10**9


def limited(body: Any) -> Any:
    return deadline(Context()).limit(body)


def kept_alive(body: Any) -> Any:
    return keepalive(body, 10**6, b"\n")


WRAPPERS: dict[str, Callable[[Any], Any]] = {
    "the generator itself": lambda body: body,
    "keepalive": kept_alive,
    "coalesce": coalesce,
    "sse.events": sse.events,
    "ndjson.lines": ndjson.lines,
    "a deadline": limited,
    "all of them": lambda body: keepalive(coalesce(limited(sse.events(limited(body)))), 10**6),
}
every_wrapper = pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)


def plainly(make: Callable[[], Any]) -> Handler:
    return lambda _event, _context: make()


def awaited(make: Callable[[], Any]) -> Handler:
    async def handler(_event: Any, _context: Any) -> Any:
        await asyncio.sleep(0)
        return make()

    return handler


# The ways in which a handler returns a generator.
FORMS: dict[str, Callable[[Callable[[], Any]], Handler]] = {
    "plainly": plainly,
    "by a coroutine": awaited,
    "under @streaming": lambda make: streaming(plainly(make)),
    "by a coroutine under @streaming": lambda make: streaming(awaited(make)),
}
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)

CALLERS = {
    "function URL": (FUNCTION_URL, "auto"),
    "REST API": (REST_API, "auto"),
    "REST API that streams": (REST_API, "response_stream"),
    "HTTP API": (HTTP_API, "auto"),
    "direct": (DIRECT, "auto"),
    "direct, buffered": (DIRECT, "buffered"),
    "function URL, buffered": (FUNCTION_URL, "buffered"),
}
every_caller = pytest.mark.parametrize("caller", CALLERS.values(), ids=CALLERS)
every_wrapper_and_caller = pytest.mark.parametrize(
    ("wrap", "caller"),
    [
        *(pytest.param(wrap, CALLERS["function URL"], id=name) for name, wrap in WRAPPERS.items()),
        *(pytest.param(coalesce, caller, id=name) for name, caller in CALLERS.items()),
    ],
)


def answer(form: Any, make: Callable[[], Any], caller: tuple[Any, str], loop: Loop) -> tuple[dict[str, Any], list[str]]:
    """Return what is sent, without the address, and the warnings, without the one that this caller gets no stream."""
    event, mode = caller
    outcome = invoke(form(make), event, mode=mode, loop=no_loop if form is plainly else loop)
    sent = vars(outcome.sent)
    del sent["headers"]["host"]
    assert outcome.log.errors == []
    return sent, [message for message in outcome.log.messages if "get no stream" not in message]


@every_form
@every_wrapper_and_caller
def test_returned_before_the_first_chunk_it_is_the_answer_as_if_the_handler_had_returned_it(
    form: Any, wrap: Any, caller: Any, loop: Loop
) -> None:
    sent, warnings = answer(form, lambda: wrap(generator()), caller, loop)

    assert (sent, warnings) == answer(form, lambda: REFUSAL, caller, loop)
    assert warnings == []


@every_form
@every_wrapper_and_caller
def test_returned_after_a_chunk_it_is_left_out_with_one_warning(form: Any, wrap: Any, caller: Any, loop: Loop) -> None:
    sent, warnings = answer(form, lambda: wrap(generator("one")), caller, loop)

    assert (sent, []) == answer(form, lambda: wrap(generator("one", value=None)), caller, loop)
    assert [WARNING in warning for warning in warnings] == [True]


IN_A_BODY: dict[str, Callable[[Any], Any]] = {
    "a dict": lambda body: {"statusCode": 201, "body": body},
    "a response": StreamingResponse,
    "an eager response": lambda body: StreamingResponse(body, eager=True),
}
held = pytest.mark.parametrize("hold", IN_A_BODY.values(), ids=IN_A_BODY)


@every_form
@every_caller
@held
def test_returned_by_a_body_it_is_left_out_with_one_warning(form: Any, caller: Any, hold: Any, loop: Loop) -> None:
    sent, warnings = answer(form, lambda: hold(generator()), caller, loop)

    assert (sent, []) == answer(form, lambda: hold(generator(value=None)), caller, loop)
    assert [WARNING in warning for warning in warnings] == [True]


@every_wrapper
@held
def test_so_it_is_by_what_a_wrapper_holds(wrap: Any, hold: Any, loop: Loop) -> None:
    caller = CALLERS["function URL"]

    sent, warnings = answer(plainly, lambda: hold(wrap(generator())), caller, loop)

    assert (sent, []) == answer(plainly, lambda: hold(wrap(generator(value=None))), caller, loop)
    assert [WARNING in warning for warning in warnings] == [True]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_after_an_empty_chunk_the_status_has_left(loop: Loop, *, asynchronous: bool) -> None:
    handler = (awaited if asynchronous else plainly)(lambda: generator(b""))

    outcome = invoke(handler, FUNCTION_URL, loop=loop)

    assert outcome.sent.prelude["statusCode"] == 200
    assert WARNING in outcome.log.messages[0]


@pytest.mark.parametrize("wrap", [lambda body: body, coalesce])
def test_after_a_sign_of_life_too(wrap: Any) -> None:
    sent = Event()

    def body() -> Body:
        yield from ()
        assert sent.wait(WAIT)
        return REFUSAL

    def read_the_sign(peer: Peer) -> None:
        request = peer.read_until(b": keep-alive")
        sent.set()
        requests.append(request + peer.read_until(b"\r\n0\r\n\r\n"))
        peer.send(ACCEPTED)

    requests: list[bytes] = []
    _, log = invoke_scripted(
        plainly(lambda: keepalive(wrap(body()), 0.01, ": keep-alive")), FUNCTION_URL, read_the_sign
    )

    assert parse(requests[0]).prelude["statusCode"] == 200
    assert [WARNING in message for message in log.messages] == [True]


def test_a_client_that_asks_for_the_head_alone_gets_the_same_status() -> None:
    head = {"requestContext": {**FUNCTION_URL["requestContext"], "http": {"method": "HEAD"}}}
    ends: list[str] = []

    def handler(event: Any, _context: Any) -> Body:
        try:
            if event["requestContext"]["http"]["method"] == "HEAD":
                return REFUSAL
            yield "never"
        finally:
            ends.append("closed")

    def streams(_event: Any, _context: Any) -> Body:
        try:
            yield b"one"
            raise AssertionError("a second chunk was asked for")
        finally:
            ends.append("closed")

    assert invoke(handler, head).sent.prelude == {"statusCode": 400, "headers": {"content-type": "text/plain"}}
    sent = invoke(streams, head).sent
    assert (sent.prelude["statusCode"], sent.content) == (200, b"")
    assert ends == ["closed", "closed"]


@pytest.mark.parametrize("value", ["text", 5, b"bytes", [], {}, False, ""])
def test_any_value_but_none_is_one(value: Any, loop: Loop) -> None:
    for caller in CALLERS.values():
        assert answer(plainly, lambda: generator(value=value), caller, loop) == answer(
            plainly, lambda: value, caller, loop
        )


@every_form
@every_caller
def test_none_is_no_value(form: Any, caller: Any, loop: Loop) -> None:
    sent, warnings = answer(form, lambda: generator(value=None), caller, loop)

    assert (sent, warnings) == answer(form, lambda: iter(()), caller, loop)
    assert warnings == []


async def async_generator() -> AsyncIterator[str]:
    yield "other"


@pytest.mark.parametrize(
    "make",
    [
        lambda: generator("other", value=None),
        lambda: {"statusCode": 200, "body": generator("other", value=None)},
        async_generator,
        lambda: generator(value=generator("other", value=None)),
    ],
)
def test_a_stream_that_is_returned_is_sent(make: Any, loop: Loop) -> None:
    for form in (plainly, awaited):
        sent = invoke(form(lambda: generator(value=make())), FUNCTION_URL, loop=loop).sent

        assert (sent.prelude["statusCode"], sent.content) == (200, b"other")


def test_a_wrapper_around_streaming_gets_the_value_and_may_change_it() -> None:
    @streaming
    def handler(_event: Any, _context: Any) -> Body:
        return generator()

    def wrapper(event: Any, context: Any) -> Any:
        return {**handler(event, context), "statusCode": 418}

    assert invoke(wrapper, FUNCTION_URL).sent.prelude["statusCode"] == 418


# --- under another runtime -------------------------------------------------------------------------------------------


@every_wrapper
def test_a_test_collects_the_answer(wrap: Any) -> None:
    def handler(_event: Any, _context: Any) -> Any:
        return wrap(generator())

    async def main() -> list[Any]:
        return [await collect_async(handler({}, None)), await call_async(awaited(lambda: handler({}, None)))]

    for response in (collect(handler({}, None)), call(handler), call(streaming(handler)), *asyncio.run(main())):
        assert (response.status_code, response.text) == (400, "no category")


@every_wrapper
def test_under_another_runtime_the_value_is_returned(wrap: Any) -> None:
    @streaming
    def handler(_event: Any, _context: Any) -> Any:
        return wrap(generator())

    async def main() -> Any:
        return handler(FUNCTION_URL, None)

    assert handler(FUNCTION_URL, None) == REFUSAL
    assert asyncio.run(main()) == REFUSAL
    assert streaming(awaited(lambda: wrap(generator())))(FUNCTION_URL, None) == REFUSAL


@pytest.mark.parametrize("hold", [lambda: generator("one"), lambda: {"body": generator()}])
def test_there_a_value_that_is_left_out_is_a_warning_too(hold: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        assert collect(hold()).status_code == 200
        assert asyncio.run(collect_async(hold())).status_code == 200
        assert streaming(plainly(hold))(FUNCTION_URL, None)["statusCode"] == 200

    assert [WARNING in message for message in caplog.messages] == [True] * 3
