"""What a handler can do among other invocations, and what its caller gets."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from concurrent_api import Answer
from invoking import DIRECT, FUNCTION_URL, HTTP_API, REST_API
from lambda_streamify import StreamingResponse, keepalive, open_stream, streaming
from lambda_streamify.errors import BadRequest, StreamStateError
from sent import DELIMITER
from simulated_time import run_simulated
from working import Scene, working


def answered(
    handler: Callable[[Any, Any], Any], event: object = None, *, mode: str = "auto", **headers: str
) -> tuple[Answer, Scene]:
    """Return the answer of one invocation, and the scene with its log."""

    async def scenario() -> tuple[Answer, Scene]:
        async with working(handler, mode=mode) as scene:
            answer = await scene.answer_to(event, **headers)
            await scene.idle()
            return answer, scene

    return run_simulated(scenario())


async def chunks() -> AsyncIterator[str]:
    yield "one"
    await asyncio.sleep(1)
    yield "two"


# --- results ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("result", "event", "body"),
    [
        ({"a": 1}, DIRECT, b'{"a": 1}'),
        (b"bytes", DIRECT, b"bytes"),
        (iter(["one", "two"]), DIRECT, b"onetwo"),
        (StreamingResponse(["one"], 201), REST_API, b'{"statusCode":201'),
        ({"statusCode": 404, "body": "no"}, FUNCTION_URL, b'{"statusCode":404,"headers":{"content-type"'),
        (StreamingResponse(["one"]), HTTP_API, b'{"statusCode": 200'),
    ],
)
def test_a_result_is_sent_in_the_format_of_its_caller(result: object, event: object, body: bytes) -> None:
    async def handler(_event: Any, _context: Any) -> object:
        return result

    answer, _ = answered(handler, event)

    assert answer.path == "response"
    assert answer.body.startswith(body)


def test_an_async_generator_is_sent_chunk_by_chunk() -> None:
    answer, _ = answered(lambda *_: chunks())

    assert (answer.chunks, answer.times) == ([b"one", b"two"], [0, 1])


def test_a_collected_stream_is_sent_as_a_whole() -> None:
    answer, _ = answered(lambda *_: chunks(), HTTP_API)

    assert answer.json["body"] == "onetwo"


def test_an_error_before_the_first_byte_is_an_invocation_error() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        raise ValueError("why")

    answer, scene = answered(handler)

    assert (answer.path, answer.json["errorType"], answer.json["requestId"]) == ("error", "ValueError", "r")
    assert scene.log.errors[0][0] == "[ERROR] ValueError: why"


def test_a_request_that_cannot_be_read_gets_status_400() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        raise BadRequest("why")

    answer, _ = answered(handler, FUNCTION_URL)

    assert answer.body.startswith(b'{"statusCode":400')


@pytest.mark.parametrize("mode", ["auto", "buffered"])
def test_a_header_that_cannot_be_sent_is_reported(mode: str) -> None:
    async def handler(_event: Any, _context: Any) -> Any:
        return StreamingResponse(chunks(), headers={"a": "line\nbreak"})

    answer, _ = answered(handler, FUNCTION_URL, mode=mode)

    assert (answer.path, answer.error_type) == ("error", "ResponseError")


def test_the_trace_id_is_in_the_context_and_not_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)

    async def handler(_event: Any, context: Any) -> Any:
        return context.xray_trace_id

    assert answered(handler, Trace_Id="Root=1")[0].json == "Root=1"
    assert answered(handler)[0].json is None


def test_a_body_is_closed_in_the_task_that_iterated_it() -> None:
    seen: list[Any] = []

    async def body() -> AsyncIterator[str]:
        try:
            seen.append(asyncio.current_task())
            yield "one"
            raise ValueError("why")
        finally:
            await asyncio.sleep(1)
            seen.append(asyncio.current_task())

    answer, _ = answered(lambda *_: body())

    assert answer.error_type == "Function.ValueError"
    assert seen[0] is seen[1]


# --- writers ---------------------------------------------------------------------------------------------------------


def test_a_writer_writes_from_tasks() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream(eager=True)
        await asyncio.gather(writer.awrite("one"), writer.awrite("two"))
        await writer.aclose()

    answer, _ = answered(handler)

    assert answer.body == b"onetwo"


def test_a_plain_write_would_hold_all_invocations_and_is_refused() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        open_stream().write("one")

    answer, _ = answered(handler)

    assert answer.error_type == "StreamStateError"
    assert "use `await writer.awrite(...)`" in answer.json["errorMessage"]


@pytest.mark.parametrize("size", [1, 4 * 1024 * 1024], ids=["the socket takes it", "the socket does not take it"])
def test_a_plain_write_after_another_chunk_is_refused_too_and_sends_nothing(size: int) -> None:
    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        await writer.awrite("one")
        writer.write(bytes(size))

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.hold("r")
            scene.api.invoke("r")
            await asyncio.sleep(1)
            scene.api.release("r")
            answer = await scene.api.answer("r")
            assert (answer.body, answer.error_type) == (b"one", "Function.StreamStateError")

    run_simulated(scenario())


def test_a_sync_body_that_writes_itself_is_refused_in_the_same_way() -> None:
    async def handler(_event: Any, _context: Any) -> Any:
        return keepalive(iter(["one"]), data=": ping\n\n")

    answer, _ = answered(handler)

    assert answer.error_type == "StreamStateError"


def test_a_plain_close_begins_the_end() -> None:
    """So the caller has the whole response while the handler goes on."""

    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        await writer.awrite("one")
        writer.close()
        assert writer.closed
        with pytest.raises(StreamStateError):
            await writer.awrite("two")
        await asyncio.sleep(10)

    async def scenario() -> None:
        async with working(handler) as scene:
            assert (await scene.answer_to()).body == b"one"
            assert asyncio.get_running_loop().time() == 0

    run_simulated(scenario())


def test_an_error_after_the_end_is_only_logged() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        await writer.awrite("one")
        writer.close()
        raise ValueError("why")

    answer, scene = answered(handler)

    assert (answer.body, answer.error_type) == (b"one", None)
    assert scene.log.errors[0][0] == "[ERROR] ValueError: why"


def test_an_end_that_cannot_be_sent_is_reported() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream(eager=False)
        response = writer._response  # noqa: SLF001 - nothing else goes wrong so late
        response.status_code = "none"
        writer.close()

    answer, _ = answered(handler, FUNCTION_URL)

    assert (answer.path, answer.error_type) == ("error", "ResponseError")


def test_threads_write_and_close_while_the_event_loop_runs() -> None:
    """Real time: a thread does not wait for simulated time."""

    async def handler(_event: Any, _context: Any) -> None:
        def write() -> None:
            with open_stream() as writer:
                writer.write("one")
                writer.write("two")

        await asyncio.to_thread(write)

    async def scenario() -> None:
        async with working(handler) as scene:
            assert (await scene.answer_to()).body == b"onetwo"

    asyncio.run(scenario())


def test_a_thread_without_the_context_belongs_to_no_invocation() -> None:
    seen: list[str] = []
    scenes: list[Scene] = []

    async def handler(_event: Any, _context: Any) -> None:
        thread = threading.Thread(target=lambda: seen.append(scenes[0].logs.request_id))
        thread.start()
        thread.join()
        await asyncio.to_thread(lambda: seen.append(scenes[0].logs.request_id))

    async def scenario() -> None:
        async with working(handler) as scene:
            scenes.append(scene)
            await scene.answer_to()

    asyncio.run(scenario())
    assert seen == ["", "r"]


# --- the decorator ---------------------------------------------------------------------------------------------------


def test_streaming_sends_the_response_before_a_decorator_ends() -> None:
    order: list[object] = []
    scenes: list[Scene] = []

    @streaming
    async def handler(_event: Any, _context: Any) -> Any:
        return chunks()

    async def decorated(event: Any, context: Any) -> Any:
        result = await handler(event, context)
        order.append(scenes[0].api.answers["r"].is_complete)
        return result

    async def scenario() -> None:
        async with working(decorated) as scene:
            scenes.append(scene)
            assert (await scene.answer_to()).body == b"onetwo"

    run_simulated(scenario())
    assert order == [True]


def test_streaming_sends_an_error_before_it_raises() -> None:
    order: list[object] = []
    scenes: list[Scene] = []

    @streaming
    async def handler(_event: Any, _context: Any) -> AsyncIterator[str]:
        async def body() -> AsyncIterator[str]:
            yield "one"
            raise ValueError("why")

        return body()

    async def decorated(event: Any, context: Any) -> Any:
        try:
            return await handler(event, context)
        finally:
            order.append(scenes[0].api.answers["r"].error_type)

    async def scenario() -> None:
        async with working(decorated) as scene:
            scenes.append(scene)
            await scene.answer_to()
            await scene.idle()

    run_simulated(scenario())
    assert order == ["Function.ValueError"]
    assert len(scenes[0].log.errors) == 1


def test_streaming_in_a_thread_sends_a_sync_body() -> None:
    def body() -> Iterator[str]:
        yield "one"
        yield "two"

    async def handler(_event: Any, _context: Any) -> Any:
        return await asyncio.to_thread(streaming(body))

    async def scenario() -> None:
        async with working(handler) as scene:
            assert (await scene.answer_to()).body == b"onetwo"

    asyncio.run(scenario())


def test_streaming_in_a_thread_cannot_send_an_async_body() -> None:
    async def handler(_event: Any, _context: Any) -> Any:
        return await asyncio.to_thread(streaming(chunks))

    async def scenario() -> None:
        async with working(handler) as scene:
            answer = await scene.answer_to()
            assert answer.json["errorMessage"].startswith("streaming was called in a thread")

    asyncio.run(scenario())


def test_the_delimiter_precedes_the_body_of_a_streaming_url() -> None:
    answer, _ = answered(lambda *_: chunks(), FUNCTION_URL)

    assert answer.body.partition(DELIMITER)[2] == b"onetwo"
