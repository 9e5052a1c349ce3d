import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest

from invoking import DIRECT, FUNCTION_URL, HTTP_API, invoke, invoke_scripted
from lambda_streamify import open_stream, streaming
from lambda_streamify.errors import ResponseError, StreamStateError
from scripted_api import ACCEPTED, Peer
from sent import parse

Loop = Callable[[], asyncio.AbstractEventLoop]


class Broken(Exception):
    pass


def words(_event: Any, _context: Any) -> Any:
    return {"statusCode": 201, "headers": {"X": "y"}, "body": iter(["one", "two"])}


async def async_words(_event: Any, _context: Any) -> Any:
    await asyncio.sleep(0)
    return words(None, None)


async def yielded(_event: Any, _context: Any) -> AsyncIterator[str]:
    yield "one"
    await asyncio.sleep(0)
    yield "two"


# --- streaming -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("handler", [words, async_words, yielded])
def test_the_whole_response_is_out_when_the_call_returns(handler: Any, loop: Loop) -> None:
    returned: list[Any] = []

    def script(peer: Peer) -> None:
        assert parse(peer.read_request()).chunks[1:] == [b"one", b"two"]
        assert returned == []
        peer.send(ACCEPTED)

    def outer(event: Any, context: Any) -> Any:
        returned.append(streaming(handler)(event, context))
        return returned[0]

    requests, _ = invoke_scripted(outer, FUNCTION_URL, script, loop=loop)

    assert len(requests) == 1
    assert returned[0]["body"] == ""
    assert returned[0]["statusCode"] == (200 if handler is yielded else 201)


@pytest.mark.parametrize("result", [None, {"statusCode": 500, "body": "changed"}, "text", 7])
def test_what_a_wrapper_makes_of_the_result_changes_nothing(result: Any) -> None:
    def outer(event: Any, context: Any) -> Any:
        streaming(words)(event, context)
        return result

    outcome = invoke(outer, FUNCTION_URL)

    assert outcome.sent.prelude["statusCode"] == 201
    assert outcome.sent.chunks[1:] == [b"one", b"two"]


def test_a_plain_value_is_returned_as_it_is_and_sent_by_the_runtime() -> None:
    seen: list[Any] = []

    def outer(event: Any, context: Any) -> Any:
        seen.append(streaming(lambda *_: {"answer": 42})(event, context))
        return {**seen[0], "more": True}

    assert invoke(outer, DIRECT).sent.body == b'{"answer": 42, "more": true}'
    assert seen == [{"answer": 42}]


def failing(_event: Any, _context: Any) -> Iterator[str]:
    yield "one"
    raise Broken("midway")


async def failing_async(_event: Any, _context: Any) -> AsyncIterator[str]:
    yield "one"
    raise Broken("midway")


@pytest.mark.parametrize("handler", [failing, failing_async])
def test_an_error_of_the_stream_is_told_and_then_raised_through_the_wrappers(handler: Any, loop: Loop) -> None:
    seen: list[BaseException] = []

    def outer(event: Any, context: Any) -> Any:
        try:
            return streaming(handler)(event, context)
        except Broken as error:
            seen.append(error)
            raise

    outcome = invoke(outer, FUNCTION_URL, loop=loop)

    assert [str(error) for error in seen] == ["midway"]
    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: midway"]


def test_a_wrapper_that_swallows_the_error_changes_nothing() -> None:
    def outer(event: Any, context: Any) -> Any:
        try:
            return streaming(failing)(event, context)
        except Broken:
            return {"statusCode": 200, "body": "all is well"}

    outcome = invoke(outer, FUNCTION_URL)

    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert len(outcome.log.errors) == 1


def test_an_error_of_a_wrapper_after_the_stream_is_logged_only() -> None:
    def outer(event: Any, context: Any) -> Any:
        streaming(words)(event, context)
        raise Broken("too late")

    outcome = invoke(outer, FUNCTION_URL)

    assert outcome.sent.chunks[1:] == [b"one", b"two"]
    assert outcome.sent.trailers == {}
    assert [lines[0] for lines in outcome.log.errors] == ["[ERROR] Broken: too late"]


def empty(_event: Any, _context: Any) -> Iterator[str]:
    raise Broken("early")
    yield ""


def opened_only(_event: Any, _context: Any) -> None:
    open_stream(200)
    raise Broken("early")


@pytest.mark.parametrize("handler", [empty, opened_only])
@pytest.mark.parametrize("event", [FUNCTION_URL, HTTP_API], ids=["function URL", "HTTP API"])
def test_an_error_before_the_first_chunk_is_the_wrappers_to_answer(handler: Any, event: Any) -> None:
    def outer(event: Any, context: Any) -> Any:
        try:
            return streaming(handler)(event, context)
        except Broken:
            return {"statusCode": 503, "body": "later"}

    outcome = invoke(outer, event)

    answer = outcome.sent.json if event is HTTP_API else outcome.sent.prelude
    assert answer["statusCode"] == 503
    assert outcome.log.errors == []


def test_an_error_after_the_first_write_is_told_before_the_wrappers_see_it() -> None:
    @streaming
    def written(_event: Any, _context: Any) -> None:
        open_stream().write("one")
        raise Broken("midway")

    def outer(event: Any, context: Any) -> Any:
        with suppress(Broken):
            written(event, context)
        return {"statusCode": 200, "body": "all is well"}

    outcome = invoke(outer, FUNCTION_URL)

    assert outcome.sent.chunks[1:] == [b"one"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.Broken"


def test_inside_a_running_loop_the_call_returns_an_awaitable(loop: Loop) -> None:
    async def outer(event: Any, context: Any) -> Any:
        await asyncio.sleep(0)
        result = await streaming(yielded)(event, context)
        assert result["body"] == ""
        return result

    assert invoke(outer, FUNCTION_URL, loop=loop).sent.chunks[1:] == [b"one", b"two"]


def test_a_stream_that_is_collected_is_answered_inside_the_call_too() -> None:
    outcome = invoke(streaming(words), HTTP_API)

    assert outcome.sent.json["body"] == "onetwo"
    assert outcome.sent.json["statusCode"] == 201


def test_two_streams_in_one_invocation_are_an_error_that_says_so() -> None:
    def outer(event: Any, context: Any) -> Any:
        streaming(words)(event, context)
        return iter(["another"])

    outcome = invoke(outer, FUNCTION_URL)

    assert outcome.sent.chunks[1:] == [b"one", b"two"]
    assert "there are two responses" in outcome.log.errors[0][0]


@pytest.mark.parametrize("handler", [words, async_words])
def test_under_another_runtime_the_call_returns_the_whole_proxy_dict(handler: Any) -> None:
    assert streaming(handler)(FUNCTION_URL, None) == {
        "statusCode": 201,
        "headers": {"X": "y", "content-type": "text/plain; charset=utf-8"},
        "body": "onetwo",
        "isBase64Encoded": False,
    }


def test_and_a_plain_value_stays_what_it_is() -> None:
    assert streaming(lambda *_: [1])(DIRECT, None) == [1]


def test_and_inside_a_running_loop_an_awaitable_of_it() -> None:
    async def main() -> Any:
        return await streaming(async_words)(FUNCTION_URL, None)

    assert asyncio.run(main())["body"] == "onetwo"


def test_the_decorated_function_keeps_its_name() -> None:
    assert streaming(words).__name__ == "words"


# --- open_stream -----------------------------------------------------------------------------------------------------


def test_each_write_is_a_chunk_and_the_first_takes_status_and_headers_with_it() -> None:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream(202, {"X": "y"}, cookies=["a=1"])
        out.write("one")
        out.write(b"two")
        out.write("")

    sent = invoke(handler, FUNCTION_URL).sent

    assert sent.prelude == {
        "statusCode": 202,
        "headers": {"X": "y", "content-type": "text/plain; charset=utf-8"},
        "cookies": ["a=1"],
    }
    assert sent.chunks[1:] == [b"one", b"two"]


def test_opened_and_never_written_still_sends_status_and_end() -> None:
    def handler(_event: Any, _context: Any) -> None:
        open_stream(204)

    sent = invoke(handler, FUNCTION_URL).sent

    assert sent.prelude["statusCode"] == 204
    assert sent.chunks[1:] == []


def test_eager_sends_status_and_headers_before_the_first_write() -> None:
    def script(peer: Peer) -> None:
        assert b'"statusCode":200' in peer.read_until(b"\0\0\0\0\0\0\0\0\r\n")
        opened.append(True)
        peer.read_chunked_body()
        peer.send(ACCEPTED)

    opened: list[bool] = []

    def handler(_event: Any, _context: Any) -> None:
        out = open_stream(eager=True)
        while not opened:
            pass
        out.write("late")

    invoke_scripted(handler, FUNCTION_URL, script)
    assert opened == [True]


def test_a_response_that_cannot_be_sent_is_refused_when_it_is_opened() -> None:
    def handler(_event: Any, _context: Any) -> None:
        with pytest.raises(ResponseError, match="status code is 99"):
            open_stream(99)
        open_stream().write("well")

    assert invoke(handler, FUNCTION_URL).sent.chunks[1:] == [b"well"]


def test_so_are_headers_that_are_too_large() -> None:
    def handler(_event: Any, _context: Any) -> None:
        with pytest.raises(ResponseError, match="16"):
            open_stream(headers={"x": "y" * 20_000})
        open_stream().write("well")

    assert invoke(handler, FUNCTION_URL).sent.chunks[1:] == [b"well"]


def test_what_the_handler_returns_besides_is_left_out_with_a_warning() -> None:
    def handler(_event: Any, _context: Any) -> Any:
        open_stream().write("written")
        return {"statusCode": 200, "body": "returned"}

    outcome = invoke(handler, FUNCTION_URL)

    assert outcome.sent.chunks[1:] == [b"written"]
    assert "left out" in outcome.log.messages[0]


def test_a_stream_that_is_returned_besides_is_an_error() -> None:
    def handler(_event: Any, _context: Any) -> Any:
        open_stream().write("written")
        return iter(["returned"])

    outcome = invoke(handler, FUNCTION_URL)

    assert outcome.sent.chunks[1:] == [b"written"]
    assert outcome.sent.trailers["lambda-runtime-function-error-type"] == "Function.ResponseError"


def test_outside_of_an_invocation_there_is_nothing_to_open() -> None:
    with pytest.raises(StreamStateError, match="no invocation runs here"):
        open_stream()


def test_callers_that_get_no_stream_get_what_was_written_in_one_piece() -> None:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream(201, content_type="text/csv")
        out.write("a,")
        out.write("b")

    answer = invoke(handler, HTTP_API).sent.json

    assert (answer["statusCode"], answer["headers"], answer["body"]) == (201, {"content-type": "text/csv"}, "a,b")


def test_inside_a_streaming_handler_the_response_ends_with_the_call() -> None:
    returned: list[Any] = []

    @streaming
    def inner(_event: Any, _context: Any) -> None:
        open_stream(201).write("x")

    def outer(event: Any, context: Any) -> None:
        returned.append(inner(event, context))

    assert invoke(outer, FUNCTION_URL).sent.chunks[1:] == [b"x"]
    assert returned == [{"statusCode": 201, "headers": {}, "body": ""}]
