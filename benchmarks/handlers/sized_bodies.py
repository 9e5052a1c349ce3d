"""The streams of the web frameworks' apps."""

import time
from collections.abc import AsyncIterator, Iterator


def same(count: int, size: int) -> Iterator[bytes]:
    """Yield the same chunk again and again."""
    chunk = b"x" * size
    for _ in range(count):
        yield chunk


async def same_async(count: int, size: int) -> AsyncIterator[bytes]:
    """Likewise."""
    chunk = b"x" * size
    for _ in range(count):
        yield chunk


async def fresh(count: int, size: int) -> AsyncIterator[bytes]:
    """Yield chunks that are each made anew: what is not let go shows as memory."""
    for _ in range(count):
        yield b"x" * size


async def stamps(count: int, size: int) -> AsyncIterator[bytes]:
    """Yield lines that end in the clock."""
    for _ in range(count):
        yield b"%0*d\n" % (size - 1, time.monotonic_ns())


def failing(count: int, size: int) -> Iterator[bytes]:
    """Raise after the last chunk."""
    yield from same(count, size)
    raise RuntimeError("the model has gone away")


async def failing_async(count: int, size: int) -> AsyncIterator[bytes]:
    """Likewise."""
    for chunk in failing(count, size):
        yield chunk
