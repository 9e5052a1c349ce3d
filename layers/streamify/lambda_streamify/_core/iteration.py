"""Iteration over the chunks of a body that always closes the body.

A generator may also return a value, which the StopIteration after the last chunk carries.
"""

import sys

from ..errors import ChunkTypeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Any


class Iteration:
    """A context manager for the chunks of a body, sync or async. It closes both the iterator and the body.

    A body that is not its own iterator creates one, often a generator, so there are two objects to close. The `finally`
    of a generator runs when the block ends.
    """

    def __init__(self, body: "Any") -> None:
        self._body = body
        self._chunks: Any = None

    def __enter__(self) -> "Iterator[Any]":
        try:
            self._chunks = iter(self._body)
        except BaseException:
            close(self._body)
            raise
        return self._chunks  # type: ignore[no-any-return]

    def __exit__(self, *_: object) -> None:
        try:
            close(self._chunks)
        finally:
            if self._body is not self._chunks:
                close(self._body)

    async def __aenter__(self) -> "AsyncIterator[Any]":
        try:
            self._chunks = self._body.__aiter__()
        except BaseException:
            await aclose(self._body)
            raise
        return self._chunks  # type: ignore[no-any-return]

    async def __aexit__(self, *_: object) -> None:
        try:
            await aclose(self._chunks)
        finally:
            if self._body is not self._chunks:
                await aclose(self._body)


def for_each(chunks: "Iterator[Any]", function: "Callable[[Any], None]") -> object:
    """Call `function` with each chunk. Returns the value that the generator returned, or None.

    A `for` loop discards that value, and calling `next` for each chunk costs more than a `for` loop. `filter` drops
    every chunk for which `function` returns None, so one `next` consumes all chunks and raises the generator's own
    StopIteration.
    """
    try:
        next(filter(function, chunks))
    except StopIteration as end:
        return end.value
    raise AssertionError("the function returned a true value; it must return None")


def as_bytes(chunk: object) -> bytes:
    """One chunk of a body as bytes; text as UTF-8."""
    if isinstance(chunk, str):
        return chunk.encode("utf-8")
    if isinstance(chunk, bytes):
        return chunk
    try:
        view = memoryview(chunk)  # type: ignore[arg-type]
        # It is sent without a copy, unless it does not lie in one piece.
        return view.cast("B") if view.c_contiguous else view.tobytes()  # type: ignore[return-value]
    except TypeError:
        raise ChunkTypeError(
            f"the body yielded {type(chunk).__name__}; yield str or bytes, for example json.dumps(chunk)"
        ) from None


def leave_out(value: object, warn: "Callable[[str], object]") -> None:
    """Warn that `value`, which the generator of a body has returned, is not sent."""
    warn(
        f"the generator of the response has returned a {type(value).__name__}, which is left out: return it before the"
        " first chunk, from a generator that is all that the handler returns, or yield it"
    )


def in_event_loop() -> bool:
    """Return whether an event loop runs in this thread."""
    asyncio = sys.modules.get("asyncio")  # if nobody imported it, no loop runs
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - asyncio documents it


def close(closable: object) -> None:
    """Close what can be closed."""
    method = getattr(closable, "close", None)
    if method is not None:
        method()


async def aclose(closable: object) -> None:
    """Close what can be closed asynchronously."""
    method = getattr(closable, "aclose", None)
    if method is not None:
        await method()
