from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from asynchronous import run
from lambda_streamify._bodies.bodies import AsyncTypedBody, TypedBody
from lambda_streamify._response.response import is_stream


class Source:
    """Whatever chunks are made of, such as a connection; `closed` notes who was closed, in order."""

    def __init__(self, closed: list[str]) -> None:
        self._closed = closed

    def close(self) -> None:
        self._closed.append("source")

    async def aclose(self) -> None:
        self._closed.append("source")


def chunks(closed: list[str]) -> Iterator[bytes]:
    try:
        yield b"one"
        yield b"two"
    finally:
        closed.append("chunks")


async def async_chunks(closed: list[str]) -> AsyncIterator[bytes]:
    try:
        yield b"one"
        yield b"two"
    finally:
        closed.append("chunks")


def test_a_body_is_a_stream_that_names_its_content_type() -> None:
    body = TypedBody(chunks([]), "text/csv")

    assert is_stream(body)
    assert body.content_type == "text/csv"
    assert next(body) == b"one"
    assert list(body) == [b"two"]


def test_so_is_an_asynchronous_one() -> None:
    body = AsyncTypedBody(async_chunks([]), "text/csv")

    async def read() -> list[Any]:
        return [await anext(body), *[chunk async for chunk in body]]

    assert is_stream(body)
    assert body.content_type == "text/csv"
    assert run(read()) == [b"one", b"two"]


def test_closing_a_body_ends_its_chunks_and_then_what_they_are_made_of() -> None:
    closed: list[str] = []
    body = TypedBody(chunks(closed), "text/csv", Source(closed))
    next(body)

    body.close()

    assert closed == ["chunks", "source"]
    assert list(body) == []


def test_so_does_closing_an_asynchronous_one() -> None:
    closed: list[str] = []
    body = AsyncTypedBody(async_chunks(closed), "text/csv", Source(closed))

    async def main() -> None:
        await anext(body)
        await body.aclose()

    run(main())

    assert closed == ["chunks", "source"]


def test_a_body_that_was_never_asked_for_a_chunk_still_closes_its_source() -> None:
    closed: list[str] = []

    TypedBody(chunks(closed), "text/csv", Source(closed)).close()
    run(AsyncTypedBody(async_chunks(closed), "text/csv", Source(closed)).aclose())

    assert closed == ["source", "source"]


def test_the_source_is_closed_even_if_the_end_of_the_chunks_fails() -> None:
    closed: list[str] = []

    def failing() -> Iterator[bytes]:
        try:
            yield b"one"
        finally:
            raise ValueError("the end failed")

    body = TypedBody(failing(), "text/csv", Source(closed))
    next(body)

    with pytest.raises(ValueError, match="the end failed"):
        body.close()
    assert closed == ["source"]


def test_and_of_asynchronous_chunks() -> None:
    closed: list[str] = []

    async def failing() -> AsyncIterator[bytes]:
        try:
            yield b"one"
        finally:
            raise ValueError("the end failed")

    body = AsyncTypedBody(failing(), "text/csv", Source(closed))

    async def main() -> None:
        await anext(body)
        with pytest.raises(ValueError, match="the end failed"):
            await body.aclose()

    run(main())

    assert closed == ["source"]


def test_chunks_that_cannot_be_closed_are_let_be() -> None:
    class Chunks:
        def __aiter__(self) -> "Chunks":
            return self

        async def __anext__(self) -> bytes:
            return b"one"

    body = TypedBody(iter([b"one"]), "text/csv")
    body.close()
    run(AsyncTypedBody(Chunks(), "text/csv").aclose())

    assert list(body) == [b"one"]
