"""The functions of `make soak`: the event, or the path of an HTTP request, names the stream."""

import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

CHUNK = b"x" * 64 * 1024
DIRECT = "case"


def handler(event: dict[str, Any], _context: object) -> object:
    path = event.get("rawPath") or event.get("path")
    return CASES[path.strip("/") if path else event[DIRECT]]()


def small() -> dict[str, Any]:
    return {"statusCode": 200, "body": (f"chunk {number}\n" for number in range(5))}


async def asynchronous() -> AsyncIterator[str]:
    for number in range(5):
        yield f"chunk {number}\n"


def large() -> Iterator[bytes]:
    for _ in range(8):
        yield CHUNK


def value() -> dict[str, Any]:
    return {"statusCode": 200, "body": "whole"}


def process() -> int:
    return os.getpid()


def raises() -> object:
    raise ValueError("no answer")


def fails() -> Iterator[str]:
    yield "first\n"
    raise LookupError("no more chunks")


def wrong() -> Iterator[object]:
    yield "first\n"
    yield 2


def left() -> Iterator[bytes]:
    """More than the kernel holds for a client that has gone is not needed: the client does not read at all."""
    yield b"first\n"
    yield from large()


def exits() -> Iterator[str]:
    yield "first\n"
    os._exit(3)


def sleeps() -> Iterator[str]:
    yield "first\n"
    time.sleep(60)


CASES: dict[str, Callable[[], object]] = {
    function.__name__: function
    for function in (small, asynchronous, large, value, process, raises, fails, wrong, left, exits, sleeps)
}
