"""Streams that mostly wait, as for a model's tokens: each chunk tells when it was made."""

import asyncio
import os
import time

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any

WAIT_S = int(os.environ.get("BENCH_WAIT_MS", "20")) / 1000  # between two chunks


def handler(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream `count` time stamps, each a line of `size` bytes."""
    body = lines(event["bench"]["count"], event["bench"]["size"])
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body}


async def async_handler(event: "Any", _context: object) -> "dict[str, Any]":
    """Likewise, in an event loop."""
    body = async_lines(event["bench"]["count"], event["bench"]["size"])
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body}


def buffered_handler(event: "Any", _context: object) -> "dict[str, Any]":
    """Answer with the same in one piece."""
    body = b"".join(lines(event["bench"]["count"], event["bench"]["size"])).decode()
    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body}


def lines(count: int, size: int) -> "Iterator[bytes]":
    """Yield the clock, again and again."""
    for number in range(count):
        if number:
            time.sleep(WAIT_S)
        yield b"%0*d\n" % (size - 1, time.monotonic_ns())


async def async_lines(count: int, size: int) -> "AsyncIterator[bytes]":
    """Likewise."""
    for number in range(count):
        if number:
            await asyncio.sleep(WAIT_S)
        yield b"%0*d\n" % (size - 1, time.monotonic_ns())
