"""test_deadline.py and _resume/test_resumable.py test what uses it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from asynchronous import run
from lambda_streamify._bodies.interruption import INTERRUPTED, Interruption


async def source(closed: list[bool]) -> AsyncIterator[str]:
    try:
        yield "1"
        await asyncio.Event().wait()
    finally:
        closed.append(True)


def test_the_wait_for_a_chunk_ends_and_the_source_with_it() -> None:
    closed: list[bool] = []

    async def main() -> None:
        interruption, chunks = Interruption(), source(closed)
        assert await interruption.next(chunks) == "1"
        interruption.interrupt()  # nobody waits
        asyncio.get_running_loop().call_soon(interruption.interrupt)
        assert await interruption.next(chunks) is INTERRUPTED
        await asyncio.sleep(0)  # the task is not cancelled any more

    run(main())
    assert closed == [True]


def test_the_end_of_the_source_is_the_end() -> None:
    async def empty() -> AsyncIterator[str]:
        return
        yield

    async def main() -> None:
        with pytest.raises(StopAsyncIteration):
            await Interruption().next(empty())

    run(main())


def test_a_cancellation_from_elsewhere_goes_on() -> None:
    async def main() -> None:
        interruption = Interruption()
        chunks = source([])
        await interruption.next(chunks)
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await interruption.next(chunks)

    run(main())
