"""The way of a response that somebody looks at: at what the runtime writes, and at what the client reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .channel import FunctionError, ResponseChannel

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence


class Watcher:
    """Sees one response. It is called while the response waits, so it must be quick, and must not raise."""

    # --- the runtime's side ------------------------------------------------------------------------------------------

    def start(self, content_type: str) -> None:
        """The response begins."""

    def write(self, data: bytes) -> None:
        """The next bytes, the prelude's among them."""

    def border(self) -> None:
        """A chunk of the runtime's ends here."""

    def end(self, error: FunctionError | None) -> None:
        """The response is complete, or failed. It comes once, after the border of the last chunk."""

    # --- the client's side -------------------------------------------------------------------------------------------

    def read(self, data: bytes) -> None:
        """A piece leaves for the client."""

    def read_all(self, error: FunctionError | None) -> None:
        """All has left."""

    def leave(self) -> None:
        """The client reads no more: it has gone, or has read all."""


class WatchedChannel(ResponseChannel):
    """A response that all of `watchers` see."""

    def __init__(self, watchers: Sequence[Watcher]) -> None:
        super().__init__()
        self._watchers = watchers

    def start(self, content_type: str) -> None:
        """The response begins."""
        for watcher in self._watchers:
            watcher.start(content_type)
        super().start(content_type)

    def write(self, data: bytes) -> None:
        """The next bytes of the body."""
        for watcher in self._watchers:
            watcher.write(data)
        super().write(data)

    def border(self) -> None:
        """A chunk of the runtime's ends here."""
        for watcher in self._watchers:
            watcher.border()

    def end(self, error: FunctionError | None = None) -> None:
        """The response is complete, or failed."""
        if not self.ended:
            self.border()  # of a response in one piece, which has none
            for watcher in self._watchers:
                watcher.end(error)
        super().end(error)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it leaves for the client."""
        async for piece in super().pieces():
            for watcher in self._watchers:
                watcher.read(piece)
            yield piece
        for watcher in self._watchers:
            watcher.read_all(self.error)

    def discard(self) -> None:
        """The client reads no more, or has read all."""
        for watcher in self._watchers:
            watcher.leave()
        super().discard()
