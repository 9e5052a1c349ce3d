"""The streams of all the apps here, each as an async and as a plain generator. The query names what they need."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

from gates import waiting_at  # type: ignore[import-not-found]  # beside this file, where servers and Lambda run it

Query = Mapping[str, str]

CHUNKS = ("data: one\n\n", ": keep-alive\n\n", "data: é, two\n\n")
HEADERS = {"Content-Type": "text/event-stream"}
COOKIES = {"a": "1", "b": "2"}
MANY = 50
PIECE = bytes(64 * 1024)


async def async_lockstep(query: Query) -> AsyncIterator[str]:
    """Wait at the gate after each chunk, without the event loop."""
    wait = waiting_at(query["gate"])
    for chunk in CHUNKS:
        yield chunk
        await asyncio.to_thread(wait)


async def blocking_lockstep(query: Query) -> AsyncIterator[str]:
    """Wait at the gate after each chunk, as a blocking client does: the event loop waits too."""
    wait = waiting_at(query["gate"])
    for chunk in CHUNKS:
        yield chunk
        wait()


def lockstep(query: Query) -> Iterator[str]:
    """Wait at the gate after each chunk."""
    wait = waiting_at(query["gate"])
    for chunk in CHUNKS:
        yield chunk
        wait()


async def async_broken(query: Query) -> AsyncIterator[str]:
    """Fail after a chunk that the client has read."""
    yield "so far\n"
    await asyncio.to_thread(waiting_at(query["gate"]))
    raise ValueError("midway")


def broken(query: Query) -> Iterator[str]:
    """Fail after a chunk that the client has read."""
    yield "so far\n"
    waiting_at(query["gate"])()
    raise ValueError("midway")


async def async_left(query: Query) -> AsyncIterator[str]:
    """Wait at the gate after each chunk, and note how it ended."""
    ending, wait = "stopped", waiting_at(query["gate"])
    try:
        for _ in range(MANY):
            yield "chunk\n"
            await asyncio.to_thread(wait)
        ending = "ran to its end"
    finally:
        _note(query, ending)


def left(query: Query) -> Iterator[str]:
    """Wait at the gate after each chunk, and note how it ended."""
    ending, wait = "stopped", waiting_at(query["gate"])
    try:
        for _ in range(MANY):
            yield "chunk\n"
            wait()
        ending = "ran to its end"
    finally:
        _note(query, ending)


async def async_large(query: Query) -> AsyncIterator[bytes]:
    """Send as many bytes as are asked for, as fast as they are taken; then wait at the gate."""
    for _ in range(int(query["bytes"]) // len(PIECE)):
        yield PIECE
    await asyncio.to_thread(waiting_at(query["gate"]))


def large(query: Query) -> Iterator[bytes]:
    """Send as many bytes as are asked for, as fast as they are taken; then wait at the gate."""
    for _ in range(int(query["bytes"]) // len(PIECE)):
        yield PIECE
    waiting_at(query["gate"])()


def _note(query: Query, text: str) -> None:
    path = Path(query["note"])
    path.with_suffix(".new").write_text(text)
    path.with_suffix(".new").rename(path)


ASYNC: dict[str, Callable[[Query], AsyncIterator[str] | AsyncIterator[bytes]]] = {
    "lockstep": async_lockstep,
    "blocking": blocking_lockstep,
    "broken": async_broken,
    "left": async_left,
    "large": async_large,
}
PLAIN: dict[str, Callable[[Query], Iterator[str] | Iterator[bytes]]] = {
    "lockstep": lockstep,
    "plain": lockstep,
    "broken": broken,
    "left": left,
    "large": large,
}
