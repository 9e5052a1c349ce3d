"""The chunks of a body, one after the other, and the end of the body whatever happens."""

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from typing import Any


class Iteration:
    """The chunks of a body, sync or async. Both are closed, however the block ends: a generator's `finally` runs here.

    A body that is not an iterator itself hands one out, often a generator: then there are two things to close.
    """

    def __init__(self, body: "Any") -> None:
        self._body = body
        self._chunks: Any = None

    def __enter__(self) -> "Iterator[Any]":
        try:
            self._chunks = iter(self._body)
        except BaseException:
            _close(self._body)
            raise
        return self._chunks  # type: ignore[no-any-return]

    def __exit__(self, *_: object) -> None:
        try:
            _close(self._chunks)
        finally:
            if self._body is not self._chunks:
                _close(self._body)

    async def __aenter__(self) -> "AsyncIterator[Any]":
        try:
            self._chunks = self._body.__aiter__()
        except BaseException:
            await _aclose(self._body)
            raise
        return self._chunks  # type: ignore[no-any-return]

    async def __aexit__(self, *_: object) -> None:
        try:
            await _aclose(self._chunks)
        finally:
            if self._body is not self._chunks:
                await _aclose(self._body)


class InTask:
    """A sync body that a coroutine has made, for its task: it may count on the running loop and context variables."""

    def __init__(self, body: "Any") -> None:
        self._body = body
        self._begun = False

    async def __aiter__(self) -> "AsyncIterator[Any]":
        self._begun = True
        with Iteration(self._body) as chunks:
            for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """Close the body where nothing of it was asked for: the generator above, which has not begun, would not."""
        if not self._begun:
            _close(self._body)


def in_event_loop() -> bool:
    """Whether an event loop runs in this thread."""
    asyncio = sys.modules.get("asyncio")  # not imported, it runs none
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - asyncio documents it


def _close(closable: object) -> None:
    close = getattr(closable, "close", None)
    if close is not None:
        close()


async def _aclose(closable: object) -> None:
    aclose = getattr(closable, "aclose", None)
    if aclose is not None:
        await aclose()
