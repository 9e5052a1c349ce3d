import asyncio
import sys
from collections.abc import AsyncIterator, Generator, Iterator

import pytest

from lambda_streamify._core.iteration import Iteration, for_each


def test_the_iterator_of_a_body_is_closed_before_the_body() -> None:
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


def test_the_iterator_of_an_asynchronous_body_is_closed_before_the_body() -> None:
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


def test_a_body_that_cannot_be_iterated_is_closed() -> None:
    body = Closable()

    with pytest.raises(ValueError, match="no chunks"), Iteration(body):
        pass

    assert body.closed == 1


def test_an_asynchronous_body_that_cannot_be_iterated_is_closed() -> None:
    body = Closable()

    async def run() -> None:
        with pytest.raises(ValueError, match="no chunks"):
            async with Iteration(body):
                pass

    asyncio.run(run())

    assert body.closed == 1


def test_the_function_gets_each_chunk_and_the_generators_value_is_returned() -> None:
    def chunks() -> Generator[str, None, str]:
        yield "one"
        yield ""
        yield "two"
        return "value"

    taken: list[str] = []

    assert for_each(chunks(), taken.append) == "value"
    assert taken == ["one", "", "two"]
    assert for_each(iter(["three"]), taken.append) is None
    assert taken == ["one", "", "two", "three"]


def test_an_error_of_the_generator_or_of_the_function_is_raised() -> None:
    def chunks() -> Iterator[str]:
        yield "one"
        raise ValueError("generator")

    def take(_chunk: str) -> None:
        raise KeyError("taker")

    with pytest.raises(ValueError, match="generator"):
        for_each(chunks(), [].append)
    with pytest.raises(KeyError, match="taker"):
        for_each(chunks(), take)


def test_no_python_call_is_made_for_each_chunk() -> None:
    calls: list[object] = []

    def chunks() -> Generator[int, None, str]:
        yield from range(100)
        return "value"

    def count(_frame: object, kind: str, _argument: object) -> None:
        if kind in ("call", "c_call"):
            calls.append(kind)

    sys.setprofile(count)
    for_each(chunks(), [].append)
    sys.setprofile(None)

    assert len(calls) - 101 < 10  # the generator is entered 101 times; a call for each chunk would be 100 more
