"""The async form alone; test_resumable.py tests both."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from typing import Any

import pytest

from asynchronous import run
from held_store import HeldStore
from lambda_streamify import resumable, sse
from lambda_streamify.resume import ENDED, FAILED, LOST, MemoryStore
from store_contract import found
from waiting import wait_until

NAME: ContextVar[str] = ContextVar("NAME", default="unset")


async def read(body: Any) -> list[bytes]:
    return [chunk async for chunk in body]


def test_other_tasks_run_while_the_store_is_waited_for() -> None:
    store = HeldStore("begin")

    async def main() -> list[bytes]:
        reading = asyncio.ensure_future(read(resumable(sse.events(words()), store, key="k", after="")))
        while not store.waits.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0)
        store.release()
        return await reading

    assert len(run(main())) == 2


async def words() -> AsyncIterator[str]:
    yield "1"
    yield "2"


def test_a_reader_follows_a_run_that_goes_on() -> None:
    store = MemoryStore()

    async def main() -> tuple[list[bytes], list[bytes]]:
        going_on = asyncio.Event()

        async def source() -> AsyncIterator[str]:
            yield "1"
            await going_on.wait()
            yield "2"

        writer = resumable(sse.events(source()), store, key="k", after="")
        first = await anext(writer)
        while found(store, "k").last < 1:  # noqa: ASYNC110 - another thread keeps it
            await asyncio.sleep(0)
        reader = resumable(None, store, key="k", after="")
        assert await anext(reader) == first
        following = asyncio.ensure_future(read(reader))
        going_on.set()
        return await read(writer), await following

    rest, seen = run(main())
    assert rest == seen
    assert found(store, "k").state == ENDED


def test_the_body_keeps_its_context_variables() -> None:
    async def source() -> AsyncIterator[str]:
        NAME.set("mine")
        yield "1"
        await asyncio.sleep(0)
        yield NAME.get()

    sent = run(read(resumable(sse.events(source()), MemoryStore(), key="k", after="")))

    assert sent[1].endswith(b"data: mine\n\n")


def test_a_cancellation_is_none_of_a_stop() -> None:
    store, closed = MemoryStore(), []

    async def source() -> AsyncIterator[str]:
        try:
            yield "1"
            await asyncio.Event().wait()
        finally:
            closed.append(True)

    async def main() -> None:
        body = resumable(sse.events(source()), store, key="k", after="")
        await anext(body)
        reading = asyncio.ensure_future(read(body))
        await asyncio.sleep(0)
        reading.cancel()
        await reading

    with pytest.raises(asyncio.CancelledError):
        run(main())
    assert closed == [True]
    assert found(store, "k").state == FAILED


def test_a_run_that_was_begun_for_a_task_that_was_cancelled_meanwhile_does_not_go_on_for_ever() -> None:
    store = HeldStore("begin")

    async def main() -> None:
        reading = asyncio.ensure_future(read(resumable(sse.events(words()), store, key="k", after="")))
        while not store.waits.is_set():  # noqa: ASYNC110 - another thread sets it
            await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        store.release()

    run(main())

    wait_until(lambda: found(store, "k").state in (FAILED, LOST), "the run to end")
