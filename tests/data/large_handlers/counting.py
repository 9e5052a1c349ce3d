"""Counts the runtime's calls that send. They are made by iterators in C, where no profiler sees them."""

from _socket import socket
from collections import Counter
from collections.abc import Iterator
from typing import Any

from lambda_streamify._runtime import runtime_api

counted: Counter[str] = Counter()


class CountingSocket(socket):
    """The runtime's connection, which it opens after this module was imported."""

    def send(self, *arguments: Any) -> int:
        counted["send"] += 1
        return super().send(*arguments)

    def sendmsg(self, *arguments: Any) -> int:
        counted["sendmsg"] += 1
        return super().sendmsg(*arguments)


vars(runtime_api)["socket"] = CountingSocket


def handler(event: dict[str, Any], _context: object) -> Iterator[bytes]:
    """Yield `count` chunks, then the calls that have sent them, by name."""
    yield b"begin"
    counted.clear()
    for _ in range(event["count"]):
        yield bytes(event["size"])
    yield repr(dict(counted)).encode()
