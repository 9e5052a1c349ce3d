"""The functions that the emulator is measured with."""

import os
import time

TYPE_CHECKING = False  # typing costs 6 ms
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def _asked(event: "Any", name: str) -> str:
    return str(event["queryStringParameters"][name])


def _answer(body: "Iterator[bytes]") -> "dict[str, Any]":
    return {"statusCode": 200, "headers": {"content-type": "application/octet-stream"}, "body": body}


def stamps(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream `count` chunks of 20 bytes, one each `gap` microseconds: the clock, read just before it is yielded."""
    count, gap = int(_asked(event, "count")), int(_asked(event, "gap")) / 1e6

    def body() -> "Iterator[bytes]":
        for _ in range(count):
            time.sleep(gap)
            yield b"%019d\n" % time.monotonic_ns()

    return _answer(body())


def bulk(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream `count` chunks of 64 KiB."""
    chunk = bytes(64 * 1024)
    return _answer(chunk for _ in range(int(_asked(event, "count"))))


def gated(event: "Any", _context: object) -> "dict[str, Any]":
    """Stream the process's id, and the rest once the file `gate` is there."""
    gate, count = _asked(event, "gate"), int(_asked(event, "count"))

    def body() -> "Iterator[bytes]":
        yield b"%d\n" % os.getpid()
        while not os.path.exists(gate):  # noqa: PTH110 - pathlib takes its time, and 200 processes would import it
            time.sleep(0.05)
        for number in range(count):
            yield b"%d\n" % number

    return _answer(body())


def value(_event: "Any", _context: object) -> "dict[str, Any]":
    """Answer in one piece."""
    return {"statusCode": 200, "body": "hello"}
