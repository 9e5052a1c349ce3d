"""Streams the same chunk again and again, from an asynchronous generator."""

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any


def handler(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream `count` chunks of `size` bytes."""
    count, size = event["bench"]["count"], event["bench"]["size"]

    async def body() -> "AsyncIterator[bytes]":
        chunk = b"x" * size
        for _ in range(count):
            yield chunk

    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body()}
