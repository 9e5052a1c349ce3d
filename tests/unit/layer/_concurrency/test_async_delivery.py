"""How a response ends in an event loop that others share."""

import asyncio
import threading
from typing import Any

import pytest

from invoking import FUNCTION_URL, HTTP_API
from lambda_streamify import open_stream
from lambda_streamify.errors import StreamifyError
from scripted_api import WAIT
from simulated_time import run_simulated
from working import working

LARGE = bytes(4 * 1024 * 1024)  # more than a socket takes


def test_the_end_goes_on_if_the_task_that_waits_for_it_is_cancelled() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        if event == "other":
            return event
        writer = open_stream()
        await writer.awrite(b"one")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(writer.aclose(), 1)
        return None

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            scene.api.hold("slow")
            scene.api.invoke("slow")
            await asyncio.sleep(5)
            assert (await scene.answer_to("other", "other")).json == "other"
            scene.api.release("slow")
            slow = await scene.api.answer("slow")
            assert (slow.body, slow.trailers) == (b"one", {})

    run_simulated(scenario())


def test_a_chunk_whose_write_was_cancelled_is_completed_by_the_end() -> None:
    async def handler(event: Any, _context: Any) -> Any:
        if event == "other":
            return event
        writer = open_stream()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(writer.awrite(LARGE), 1)
        raise ValueError("why")

    async def scenario() -> None:
        async with working(handler, 2) as scene:
            scene.api.hold("slow")
            scene.api.invoke("slow")
            await asyncio.sleep(5)
            assert (await scene.answer_to("other", "other")).json == "other"
            scene.api.release("slow")
            slow = await scene.api.answer("slow")
            assert (slow.body, slow.error_type) == (LARGE, "Function.ValueError")

    run_simulated(scenario())


def test_a_thread_leaves_the_rest_of_its_chunk_to_an_end_that_has_begun() -> None:
    is_partly_sent, has_ended = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        await writer.awrite(b"one")
        lock = writer._sink.lock  # noqa: SLF001 - between the two steps of a write
        call = lock.call_nowait

        def call_and_pause(*arguments: Any) -> Any:
            is_sent = call(*arguments)
            is_partly_sent.set()
            assert has_ended.wait(WAIT)
            return is_sent

        lock.call_nowait = call_and_pause  # type: ignore[assignment,method-assign]
        threads.append(threading.Thread(target=writer.write, args=(LARGE,), daemon=True))
        threads[0].start()
        assert await asyncio.to_thread(is_partly_sent.wait, WAIT)
        writer.close()
        has_ended.set()

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.hold("r")
            scene.api.invoke("r")
            assert await asyncio.to_thread(has_ended.wait, WAIT)
            await asyncio.to_thread(threads[0].join, WAIT)
            is_writing = threads[0].is_alive()
            scene.api.release("r")
            assert (await scene.api.answer("r")).body == b"one" + LARGE
            assert not is_writing  # while nobody reads

    asyncio.run(scenario())


def test_a_task_that_still_writes_when_the_handler_returns_completes_its_chunk() -> None:
    tasks = []

    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        tasks.append(asyncio.create_task(writer.awrite(LARGE)))
        await asyncio.sleep(1)

    async def scenario() -> None:
        async with working(handler) as scene:
            scene.api.hold("r")
            scene.api.invoke("r")
            await asyncio.sleep(5)
            scene.api.release("r")
            assert (await scene.api.answer("r")).body == LARGE

    run_simulated(scenario())


@pytest.mark.parametrize("event", [HTTP_API, FUNCTION_URL])
def test_a_response_without_a_chunk_ends_too(event: object) -> None:
    async def handler(_event: Any, _context: Any) -> None:
        open_stream(204)

    async def scenario() -> None:
        async with working(handler) as scene:
            answer = await scene.answer_to(event)
            assert b'"statusCode":204' in answer.body.replace(b" ", b"")

    run_simulated(scenario())


def test_an_end_that_failed_is_reported_even_if_the_handler_hides_it() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        writer = open_stream()
        writer._response.status_code = "none"  # noqa: SLF001 - nothing else goes wrong so late
        with pytest.raises(StreamifyError):
            await writer.aclose()

    async def scenario() -> None:
        async with working(handler) as scene:
            answer = await scene.answer_to(FUNCTION_URL)
            assert (answer.path, answer.error_type) == ("error", "ResponseError")

    run_simulated(scenario())


def test_another_event_loop_in_a_thread_writes_and_ends() -> None:
    async def handler(_event: Any, _context: Any) -> None:
        async def write() -> None:
            writer = open_stream()
            writer.write("one")
            await writer.awrite("two")
            await writer.aclose()

        await asyncio.to_thread(asyncio.run, write())

    async def scenario() -> None:
        async with working(handler) as scene:
            assert (await scene.answer_to()).body == b"onetwo"

    asyncio.run(scenario())
