"""Streams chunks of one size: as fast as they are taken, or paced, each with the time at which it was yielded."""

import time

from lambda_streamify import coalesce

TYPE_CHECKING = False  # as in generator.py
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def lambda_handler(event: "dict[str, Any]", _context: object) -> "dict[str, Any]":
    """Stream `count` chunks of `size` bytes, with a `pause` in seconds between them if there is one."""
    query = event["queryStringParameters"]
    size, count = int(query["size"]), int(query["count"])
    body = paced(size, count, float(query["pause"])) if "pause" in query else plain(size, count)
    return {"statusCode": 200, "body": coalesce(body) if "coalesce" in query else body}


def plain(size: int, count: int) -> "Iterator[bytes]":
    """Yield the same chunk again and again."""
    chunk = bytes(size)
    for _ in range(count):
        yield chunk


def paced(size: int, count: int, pause: float) -> "Iterator[bytes]":
    """Yield chunks that begin with the monotonic clock in nanoseconds, as 16 hexadecimal digits."""
    for _ in range(count):
        yield (b"%016x" % time.monotonic_ns()).ljust(size)
        time.sleep(pause)
