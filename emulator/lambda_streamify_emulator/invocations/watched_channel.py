"""A response channel with watchers: they see what the runtime writes, and what the client reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channel import FunctionError, ResponseChannel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from .backlog import Backlog


class Watcher:
    """Sees one response. Its calls delay the response, so they must be quick; they must not raise."""

    # --- the runtime's side ------------------------------------------------------------------------------------------

    def start(self, content_type: str) -> None:
        """Called when the response begins."""

    def write(self, data: bytes) -> None:
        """Called with the next bytes, including those of the prelude."""

    def end_chunk(self) -> None:
        """Called at the end of each chunk that the runtime sent."""

    def end(self, error: FunctionError | None) -> None:
        """Called once when the response is complete or has failed, after the end of the last chunk."""

    # --- the client's side -------------------------------------------------------------------------------------------

    def read(self, data: bytes) -> None:
        """Called with each piece that is sent to the client."""

    def read_all(self, error: FunctionError | None) -> None:
        """Called when everything has been sent."""

    def leave(self) -> None:
        """Called when the client stops reading: it has disconnected, or has read everything."""


class WatchedChannel(ResponseChannel):
    """A response channel that reports to all of `watchers`."""

    def __init__(self, watchers: Sequence[Watcher], backlog: Backlog | None = None) -> None:
        super().__init__(backlog)
        self._watchers = watchers

    def start(self, content_type: str) -> None:
        """Begin the response."""
        for watcher in self._watchers:
            watcher.start(content_type)
        super().start(content_type)

    def write(self, data: bytes) -> None:
        """Add the next bytes of the body."""
        for watcher in self._watchers:
            watcher.write(data)
        super().write(data)

    def end_chunk(self) -> None:
        """Mark the end of a chunk that the runtime sent."""
        for watcher in self._watchers:
            watcher.end_chunk()

    def end(self, error: FunctionError | None = None) -> None:
        """Complete the response, or fail it with `error`."""
        if not self.ended:
            self.end_chunk()  # a response in one piece has no chunk ends
            for watcher in self._watchers:
                watcher.end(error)
        super().end(error)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it is sent to the client."""
        async for piece in super().pieces():
            for watcher in self._watchers:
                watcher.read(piece)
            yield piece
        for watcher in self._watchers:
            watcher.read_all(self.error)

    def discard(self) -> None:
        """Stop reading, and drop the rest of the body."""
        for watcher in self._watchers:
            watcher.leave()
        super().discard()
