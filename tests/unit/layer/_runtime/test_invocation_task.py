import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from lambda_streamify._runtime.invocation_task import InvocationTask


@pytest.fixture
def task() -> Iterator[InvocationTask]:
    loop = asyncio.new_event_loop()
    yield InvocationTask(loop)
    loop.close()


def test_run_returns_the_result_of_the_coroutine(task: InvocationTask) -> None:
    async def coroutine() -> str:
        return "result"

    assert task.run(coroutine()) == "result"


def test_a_background_task_of_the_function_is_not_waited_for(task: InvocationTask) -> None:
    never = asyncio.Event()
    left: list[asyncio.Task[bool]] = []

    async def coroutine() -> None:
        left.append(asyncio.create_task(never.wait()))

    task.run(coroutine())
    task.close_dropped_generators()

    assert not left[0].done()

    async def end() -> None:
        left[0].cancel()
        await asyncio.wait(left)

    task.run(end())


def test_a_dropped_generator_is_closed_and_a_kept_one_is_not(task: InvocationTask) -> None:
    closed: list[str] = []

    async def generator(name: str) -> AsyncIterator[None]:
        try:
            yield
        finally:
            closed.append(name)

    kept = generator("kept")

    async def coroutine() -> None:
        await anext(kept)
        await anext(generator("dropped"))

    task.run(coroutine())
    task.close_dropped_generators()

    assert closed == ["dropped"]
    task.run(kept.aclose())  # type: ignore[attr-defined]


def test_only_asyncios_cancelled_error_is_a_cancellation(task: InvocationTask) -> None:
    assert task.is_cancellation(asyncio.CancelledError())
    assert not task.is_cancellation(SystemExit())


def test_pending_tasks_are_counted_without_those_that_close_generators(task: InvocationTask) -> None:
    never = asyncio.Event()
    left: list[asyncio.Task[bool]] = []

    async def generator() -> AsyncIterator[None]:
        try:
            yield
        finally:
            await asyncio.sleep(0)

    async def coroutine() -> None:
        await anext(generator())
        left.extend(asyncio.create_task(never.wait()) for _ in range(3))

    task.run(coroutine())

    assert task.close_dropped_generators() == 3

    async def end() -> None:
        never.set()
        await asyncio.wait(left)

    task.run(end())
    assert task.close_dropped_generators() == 0
