import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from lambda_streamify.iteration import InTask, Iteration


def test_what_a_body_hands_out_is_closed_before_the_body() -> None:
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[str]:
            try:
                yield "chunk"
            finally:
                closed.append("chunks")

        def close(self) -> None:
            closed.append("body")

    with Iteration(Body()) as chunks:
        assert next(chunks) == "chunk"

    assert closed == ["chunks", "body"]


def test_so_it_is_for_an_asynchronous_body() -> None:
    closed: list[str] = []

    class Body:
        async def __aiter__(self) -> AsyncIterator[str]:
            try:
                yield "chunk"
            finally:
                closed.append("chunks")

        async def aclose(self) -> None:
            closed.append("body")

    async def run() -> None:
        async with Iteration(Body()) as chunks:
            assert await anext(chunks) == "chunk"

    asyncio.run(run())

    assert closed == ["chunks", "body"]


def test_a_sync_body_in_a_task_is_closed_with_its_iteration() -> None:
    closed: list[bool] = []

    def body() -> Iterator[str]:
        try:
            yield "chunk"
            yield "never"
        finally:
            closed.append(True)

    async def run() -> None:
        async with Iteration(InTask(body())) as chunks:
            assert await anext(chunks) == "chunk"

    asyncio.run(run())

    assert closed == [True]


def test_a_sync_body_in_a_task_is_closed_even_if_nothing_of_it_was_asked_for() -> None:
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[str]:
            return iter(())

        def close(self) -> None:
            closed.append("body")

    async def give_up() -> None:
        async with Iteration(InTask(Body())):
            pass

    asyncio.run(give_up())

    assert closed


class Closable:
    """A body that cannot be iterated."""

    closed = 0

    def __iter__(self) -> Iterator[str]:
        raise ValueError("no chunks")

    def __aiter__(self) -> AsyncIterator[str]:
        raise ValueError("no chunks")

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


def test_a_body_that_hands_out_no_chunks_is_closed() -> None:
    body = Closable()

    with pytest.raises(ValueError, match="no chunks"), Iteration(body):
        pass

    assert body.closed == 1


def test_so_is_an_asynchronous_one() -> None:
    body = Closable()

    async def run() -> None:
        with pytest.raises(ValueError, match="no chunks"):
            async with Iteration(body):
                pass

    asyncio.run(run())

    assert body.closed == 1


def test_a_sync_body_in_a_task_is_closed_once_whether_it_was_begun_or_not() -> None:
    class Body:
        closed = 0

        def __iter__(self) -> Iterator[str]:
            return iter(["chunk", "never"])

        def close(self) -> None:
            self.closed += 1

    begun, unbegun = Body(), Body()

    async def run() -> None:
        async with Iteration(InTask(begun)) as chunks:
            assert await anext(chunks) == "chunk"
        async with Iteration(InTask(unbegun)):
            pass

    asyncio.run(run())

    assert (begun.closed, unbegun.closed) == (1, 1)
