"""Bodies with a content type, which a response that names none takes.

`source` is what the chunks come from. Closing the body closes the source too, even before the first chunk: a generator
that has not started runs no `finally`, so closing `chunks` is not enough.

A body may decide the status of its response until its first chunk: `response_status` is then not None.
"""

from .._core.iteration import aclose, close

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .._response.response import Chunk


class TypedBody:
    """An iterator of chunks with a content type. `close` closes `chunks`, such as a generator, and `source`."""

    def __init__(self, chunks: "Iterator[Chunk]", content_type: "str | None", source: object = None) -> None:
        self.content_type = content_type
        self._chunks = chunks
        self._source = source

    @property
    def response_status(self) -> "int | None":
        """The status that the body has decided for its response, or None."""
        return getattr(self._source, "response_status", None)

    def __iter__(self) -> "Iterator[Chunk]":
        return self._chunks

    def __next__(self) -> "Chunk":
        return next(self._chunks)

    def close(self) -> None:
        """End the body: a generator's `finally` runs."""
        try:
            close(self._chunks)
        finally:
            close(self._source)


class AsyncTypedBody:
    """`TypedBody` for an async iterator of chunks."""

    def __init__(self, chunks: "AsyncIterator[Chunk]", content_type: "str | None", source: object = None) -> None:
        self.content_type = content_type
        self._chunks = chunks
        self._source = source

    @property
    def response_status(self) -> "int | None":
        """The status that the body has decided for its response, or None."""
        return getattr(self._source, "response_status", None)

    def __aiter__(self) -> "AsyncIterator[Chunk]":
        return self._chunks

    async def __anext__(self) -> "Chunk":
        return await anext(self._chunks)

    async def aclose(self) -> None:
        """End the body: a generator's `finally` runs."""
        try:
            await aclose(self._chunks)
        finally:
            await aclose(self._source)
