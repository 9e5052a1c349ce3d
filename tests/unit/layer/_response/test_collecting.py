"""Handlers under another runtime: they return the whole response as a proxy dict."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest

from asynchronous import run
from invoking import DIRECT, FUNCTION_URL, REST_API
from lambda_streamify import open_stream, streaming
from lambda_streamify._core import current
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify.errors import ResponseError, StreamStateError

WHOLE = {
    "statusCode": 200,
    "headers": {"content-type": "text/plain; charset=utf-8"},
    "body": "onetwo",
    "isBase64Encoded": False,
}


class Broken(Exception):
    pass


@streaming
def generator(_event: Any, _context: Any) -> Iterator[str]:
    yield "one"
    yield "two"


@streaming
async def async_generator(_event: Any, _context: Any) -> AsyncIterator[str]:
    yield "one"
    await asyncio.sleep(0)
    yield "two"


@streaming
async def coroutine(_event: Any, _context: Any) -> Any:
    await asyncio.sleep(0)
    return {"body": iter(["one", "two"])}


@streaming
def writes(_event: Any, _context: Any) -> None:
    out = open_stream()
    out.write("one")
    out.write("two")


@streaming
async def writes_in_a_task(_event: Any, _context: Any) -> None:
    out = open_stream()
    await out.awrite("one")
    await asyncio.ensure_future(out.awrite("two"))


class Methods:
    @streaming
    def handle(self, _event: Any, _context: Any) -> StreamingResponse:
        return StreamingResponse(iter(["x"]), cookies=["a=1", "b=2"])


SYNC = [generator, writes]
ASYNC = [async_generator, coroutine, writes_in_a_task, streaming(async_generator)]


@pytest.mark.parametrize("handler", [*SYNC, *ASYNC, streaming(generator)])
def test_a_stream_of_any_form_is_returned_as_a_whole(handler: Any) -> None:
    assert handler(FUNCTION_URL, None) == WHOLE


@pytest.mark.parametrize("handler", SYNC)
def test_a_stream_is_returned_as_a_whole_in_an_event_loop_too(handler: Any) -> None:
    async def main() -> Any:
        return handler(FUNCTION_URL, None)

    assert run(main()) == WHOLE


@pytest.mark.parametrize("handler", ASYNC)
def test_an_asynchronous_result_can_be_awaited_in_an_event_loop(handler: Any) -> None:
    async def main() -> Any:
        return await handler(FUNCTION_URL, None)

    assert run(main()) == WHOLE


@pytest.mark.parametrize(
    "value", [None, 7, "text", {"a": 1}, [1], ("a",), {"statusCode": 200, "body": "x", "isBase64Encoded": True}]
)
def test_a_plain_value_is_returned_as_it_is(value: Any) -> None:
    async def later(_event: Any, _context: Any) -> Any:
        return value

    assert streaming(lambda *_: value)(DIRECT, None) is value
    assert streaming(later)(DIRECT, None) is value


def test_cookies_are_in_the_place_that_the_caller_reads_for_functions_and_methods() -> None:
    for result in (Methods().handle(REST_API, None), Methods().handle(_event=REST_API, _context=None)):
        assert result["multiValueHeaders"] == {"set-cookie": ["a=1", "b=2"]}
    assert Methods().handle(FUNCTION_URL, None)["cookies"] == ["a=1", "b=2"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_error_is_raised_and_the_body_closed(*, asynchronous: bool) -> None:
    closed: list[bool] = []

    def body() -> Iterator[str]:
        try:
            yield "one"
            raise Broken("midway")
        finally:
            closed.append(True)

    async def later(_event: Any, _context: Any) -> Any:
        return body()

    with pytest.raises(Broken, match="midway"):
        streaming(later if asynchronous else lambda *_: body())(DIRECT, None)
    assert closed == [True]
    assert current.running.get() is None


def test_a_decorator_may_answer_an_error_before_the_first_chunk() -> None:
    @streaming
    def inner(_event: Any, _context: Any) -> None:
        open_stream(201)
        raise Broken

    @streaming
    def outer(event: Any, context: Any) -> Any:
        with suppress(Broken):
            inner(event, context)
        return {"statusCode": 503, "body": iter(["later"])}

    assert outer(FUNCTION_URL, None)["statusCode"] == 503


def test_two_responses_are_an_error_and_the_second_body_is_closed() -> None:
    class Body:
        closed = False

        def __next__(self) -> str:
            return "never"

        def __iter__(self) -> Iterator[str]:
            return iter(["never"])

        def close(self) -> None:
            self.closed = True

    body = Body()

    @streaming
    def handler(_event: Any, _context: Any) -> Any:
        open_stream().write("one")
        return {"body": body}

    with pytest.raises(ResponseError, match="there are two responses"):
        handler(DIRECT, None)
    assert body.closed


def test_a_writer_cannot_write_after_the_call() -> None:
    kept: list[Any] = []
    streaming(lambda *_: kept.append(open_stream()))(DIRECT, None)

    with pytest.raises(StreamStateError, match="the response is over"):
        kept[0].write("late")
