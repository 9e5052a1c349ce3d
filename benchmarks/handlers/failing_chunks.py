"""Streams some chunks and raises: what its caller is told."""

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def handler(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream `count` chunks of `size` bytes, then fail."""
    count, size = event["bench"]["count"], event["bench"]["size"]

    def body() -> "Iterator[bytes]":
        for _ in range(count):
            yield b"x" * size
        raise RuntimeError("the model has gone away")

    return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body()}
