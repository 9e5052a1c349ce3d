"""Bodies that know what they hold: chunks, and the content type of a response that names none.

`source` is what the chunks are made of. Closing the body closes it too, even if no chunk was ever asked for: a
generator that has not started runs no `finally`, so `chunks` alone could not do that.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .response import Chunk


class TypedBody:
    """Chunks that are produced one after the other; closing it closes `chunks`, a generator for example."""

    def __init__(self, chunks: "Iterator[Chunk]", content_type: "str | None", source: object = None) -> None:
        self.content_type = content_type
        self._chunks = chunks
        self._source = source

    def __iter__(self) -> "Iterator[Chunk]":
        return self._chunks

    def __next__(self) -> "Chunk":
        return next(self._chunks)

    def close(self) -> None:
        """End the body: a generator's `finally` runs."""
        try:
            _close(self._chunks)
        finally:
            _close(self._source)


class AsyncTypedBody:
    """`TypedBody` for chunks that are produced asynchronously."""

    def __init__(self, chunks: "AsyncIterator[Chunk]", content_type: "str | None", source: object = None) -> None:
        self.content_type = content_type
        self._chunks = chunks
        self._source = source

    def __aiter__(self) -> "AsyncIterator[Chunk]":
        return self._chunks

    async def __anext__(self) -> "Chunk":
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """End the body: a generator's `finally` runs."""
        try:
            await _aclose(self._chunks)
        finally:
            await _aclose(self._source)


def _close(closable: object) -> None:
    close = getattr(closable, "close", None)
    if close is not None:
        close()


async def _aclose(closable: object) -> None:
    aclose = getattr(closable, "aclose", None)
    if aclose is not None:
        await aclose()
