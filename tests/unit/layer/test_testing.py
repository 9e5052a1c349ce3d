import asyncio
import threading
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from io import BytesIO, StringIO
from typing import Any

import pytest

from asynchronous import run
from invoking import DIRECT, FUNCTION_URL
from lambda_streamify import open_stream, streaming
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody
from lambda_streamify._response.response import StreamingResponse
from lambda_streamify.errors import ChunkTypeError, ResponseError, StreamStateError
from lambda_streamify.testing import Collected, call, call_async, collect, collect_async


class Broken(Exception):
    pass


def chunks() -> Iterator[Any]:
    yield "one"
    yield ""
    yield bytearray(b"two")


async def async_chunks() -> AsyncIterator[Any]:
    for chunk in chunks():
        await asyncio.sleep(0)
        yield chunk


async def later(result: Any) -> Any:
    await asyncio.sleep(0)
    return result


async def returned_later(form: Callable[[], Any]) -> Any:
    await asyncio.sleep(0)
    return form()


FORMS: dict[str, Callable[[], Any]] = {
    "generator": chunks,
    "dict": lambda: {"body": chunks()},
    "response": lambda: StreamingResponse(chunks()),
    "list in a response": lambda: StreamingResponse(["one", b"two"]),
    "typed body": lambda: TypedBody(chunks(), "text/plain; charset=utf-8"),
}
ASYNC_FORMS: dict[str, Callable[[], Any]] = {
    "asynchronous generator": async_chunks,
    "dict with one": lambda: {"body": async_chunks()},
    "response with one": lambda: StreamingResponse(async_chunks()),
    "asynchronous typed body": lambda: AsyncTypedBody(async_chunks(), "text/plain; charset=utf-8"),
    **{f"coroutine, {name}": partial(returned_later, form) for name, form in FORMS.items()},
}


def assert_is_one_two(collected: Collected) -> None:
    assert collected.status_code == 200
    assert collected.headers == {"content-type": "text/plain; charset=utf-8"}
    assert collected.cookies == []
    assert collected.chunks == [b"one", b"two"]
    assert (collected.body, collected.text) == (b"onetwo", "onetwo")


@pytest.mark.parametrize("form", [*FORMS.values(), *ASYNC_FORMS.values()], ids=[*FORMS, *ASYNC_FORMS])
def test_every_form_is_collected_chunk_by_chunk(form: Any) -> None:
    assert_is_one_two(collect(form()))


@pytest.mark.parametrize("form", [*FORMS.values(), *ASYNC_FORMS.values()], ids=[*FORMS, *ASYNC_FORMS])
def test_every_form_is_collected_in_an_async_test(form: Any) -> None:
    assert_is_one_two(run(collect_async(form())))
    assert_is_one_two(run(call_async(lambda *_: form())))


@pytest.mark.parametrize("form", ASYNC_FORMS.values(), ids=ASYNC_FORMS)
def test_an_async_result_is_refused_where_an_event_loop_runs(form: Any) -> None:
    async def main() -> None:
        with pytest.raises(StreamStateError, match=r"await testing\.collect_async"):
            collect(form())
        with pytest.raises(StreamStateError, match=r"await testing\.call_async"):
            call(lambda *_: form())

    run(main())


def test_a_sync_result_is_collected_where_an_event_loop_runs() -> None:
    async def main() -> Collected:
        return collect(chunks())

    assert_is_one_two(run(main()))


@pytest.mark.parametrize(
    ("value", "status", "content_type", "body"),
    [
        ({"a": 1}, 200, "application/json", b'{"a": 1}'),
        ("text", 200, "application/json", b"text"),
        (None, 200, "application/json", b"null"),
        ([1, 2], 200, "application/json", b"[1, 2]"),
        ({"statusCode": "404", "body": "gone"}, 404, "application/json", b"gone"),
        ({"statusCode": 201, "headers": {"Content-Type": "text/x"}, "body": "x"}, 201, "text/x", b"x"),
        ({"statusCode": 200, "body": b64encode(b"\xff\0").decode(), "isBase64Encoded": True}, 200, None, b"\xff\0"),
        ({"statusCode": 200, "body": ""}, 200, "application/json", b""),
    ],
)
def test_a_plain_value_is_converted_as_a_function_url_does(
    value: Any, status: int, content_type: str | None, body: bytes
) -> None:
    for collected in (collect(value), collect(later(value)), call(lambda *_: value)):
        assert (collected.status_code, collected.body) == (status, body)
        assert content_type is None or collected.headers["content-type"] == content_type


def test_json_is_parsed() -> None:
    assert collect({"a": [1]}).json() == {"a": [1]}


def test_headers_are_in_lower_case_and_cookies_separate() -> None:
    collected = collect(
        {"headers": {"X-A": "b", "Set-Cookie": "a=1"}, "cookies": ["b=2"], "body": iter(["x"])},
    )

    assert collected.headers == {"x-a": "b", "content-type": "text/plain; charset=utf-8"}
    assert sorted(collected.cookies) == ["a=1", "b=2"]


def test_repeated_headers_are_one() -> None:
    collected = collect({"multiValueHeaders": {"Vary": ["a", "b"], "Set-Cookie": ["c=3", "d=4"]}, "body": iter(["x"])})

    assert collected.headers["vary"] == "a, b"
    assert collected.cookies == ["c=3", "d=4"]


def test_a_file_is_collected_and_closed() -> None:
    file = BytesIO(b"\xff")

    collected = collect({"body": file})

    assert (collected.body, collected.headers["content-type"]) == (b"\xff", "application/octet-stream")
    assert file.closed
    assert collect(StringIO("ä")).text == "ä"


@pytest.mark.parametrize("status", [204, 304])
def test_where_http_forbids_a_body_the_client_gets_none(status: int) -> None:
    assert collect(StreamingResponse(["x"], status)).body == b""


def test_a_client_that_sends_head_gets_no_body() -> None:
    event = {"requestContext": {**FUNCTION_URL["requestContext"], "http": {"method": "HEAD"}}}

    assert call(lambda *_: iter(["x"]), event).body == b""
    assert call(lambda *_: iter(["x"]), FUNCTION_URL).body == b"x"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_error_anywhere_in_a_body_is_raised_and_the_body_closed(*, asynchronous: bool) -> None:
    closed: list[bool] = []

    def body() -> Iterator[str]:
        try:
            yield "one"
            raise Broken("midway")
        finally:
            closed.append(True)

    async def async_body() -> AsyncIterator[str]:
        for chunk in body():
            yield chunk

    with pytest.raises(Broken, match="midway"):
        collect(async_body() if asynchronous else body())
    assert closed == [True]


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        (iter([{}]), ChunkTypeError),
        ({"statusCode": 99, "body": iter(["x"])}, ResponseError),
        ({"headers": {"x": "a\r\nb"}, "body": iter(["x"])}, ResponseError),
        ({"isBase64Encoded": True, "body": iter(["x"])}, ResponseError),
    ],
)
def test_what_cannot_be_sent_is_an_error_here_too(result: Any, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        collect(result)


# --- handlers that write ---------------------------------------------------------------------------------------------


def test_chunks_that_a_handler_and_its_threads_write_are_collected() -> None:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream(201, {"x": "y"}, cookies=["a=1"])
        out.write("one")
        thread = threading.Thread(target=out.write, args=("two",))
        thread.start()
        thread.join()

    collected = call(handler, DIRECT)

    assert (collected.status_code, collected.headers["x"], collected.cookies) == (201, "y", ["a=1"])
    assert collected.chunks == [b"one", b"two"]


async def writes_in_tasks(_event: Any, _context: Any) -> None:
    out = open_stream()
    await asyncio.gather(*(out.awrite(word) for word in ("one", "two")))
    out.close()
    with pytest.raises(StreamStateError):
        await out.awrite("late")


def test_chunks_that_tasks_write_are_collected() -> None:
    assert call(writes_in_tasks).chunks == [b"one", b"two"]
    assert run(call_async(writes_in_tasks)).chunks == [b"one", b"two"]


@pytest.mark.parametrize("handler", [lambda *_: {"statusCode": 201, "body": chunks()}, lambda *_: chunks()])
def test_a_handler_decorated_with_streaming_is_collected_like_the_handler_itself(handler: Any) -> None:
    assert call(streaming(handler)).chunks == call(handler).chunks
    assert call(streaming(handler)).status_code == call(handler).status_code


def test_a_decorators_changes_to_the_result_are_ignored() -> None:
    def outer(event: Any, context: Any) -> Any:
        streaming(lambda *_: chunks())(event, context)
        return {"statusCode": 500, "body": "changed"}

    assert_is_one_two(call(outer))


def test_a_handler_gets_event_and_context() -> None:
    assert call(lambda event, context: f"{event} {context}", "e", "c").text == "e c"


def test_a_writer_cannot_write_after_the_call() -> None:
    kept: list[Any] = []
    call(lambda *_: kept.append(open_stream()))

    with pytest.raises(StreamStateError, match="the response is over"):
        kept[0].write("late")


def test_the_repr_names_status_chunks_and_bytes() -> None:
    assert repr(collect(iter(["one", "two"]))) == "<Collected 200, 2 chunks, 6 bytes>"
