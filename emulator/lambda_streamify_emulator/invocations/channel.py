"""The channel of one response: the only queue between the runtime's socket and the client's.

The queue is bounded, unless the channel gets another backlog. When it is full, the emulator stops reading the runtime's
socket. The kernel's buffers fill, the runtime's `send` blocks, and so a slow client pauses the generator, as on AWS.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from .backlog import Backlog, HeldBacklog


@dataclass(frozen=True)
class FunctionError:
    """How an invocation failed. `details` is the JSON object that the runtime or the platform reported."""

    error_type: str
    details: bytes


class FunctionFailed(Exception):
    """The function failed before its response began."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(error.error_type)
        self.error = error


class ResponseChannel:
    """One response in transit: the Runtime API writes it, one front end reads it."""

    def __init__(self, backlog: Backlog | None = None) -> None:
        self.backlog = HeldBacklog() if backlog is None else backlog
        self.content_type: str | None = None
        self.error: FunctionError | None = None
        self.ended = False
        self._started = False
        self._discarding = False
        self._changed = asyncio.Event()
        self._resume: Callable[[], None] | None = None

    # --- the Runtime API's side --------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait."""
        return self.backlog.is_full

    def start(self, content_type: str) -> None:
        """Begin the response."""
        self.content_type = content_type
        self._started = True
        self._changed.set()

    def write(self, data: bytes) -> None:
        """Add the next bytes of the body."""
        if not self._discarding:
            self.backlog.add(data)
            self._changed.set()

    def end_chunk(self) -> None:
        """Mark the end of a chunk that the runtime sent. Clients of Lambda do not see chunk ends; tests may."""

    def call_when_room(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, as soon as the channel is not full."""
        self._resume = resume
        self._make_room()

    def end(self, error: FunctionError | None = None) -> None:
        """Complete the response, or fail it with `error`; only the first call counts."""
        if not self.ended:
            self.ended, self.error = True, error
            self._changed.set()

    # --- the front end's side ----------------------------------------------------------------------------------------

    async def wait_for_start(self) -> str:
        """Wait for the response to begin; return the content type that the runtime set.

        Raises FunctionFailed if the function fails before that.
        """
        while not self._started:
            if self.ended:
                raise FunctionFailed(self.error or FunctionError("Runtime.Unknown", b"{}"))
            await self._wait()
        return self.content_type or ""

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives. At its end, `error` is None if the body is complete."""
        while True:
            while (piece := self.backlog.take()) is not None:
                self._make_room()
                yield piece
            if self.ended:
                return
            await self._wait()

    def discard(self) -> None:
        """Stop reading and drop the rest of the body. The function still runs to its end, as on AWS."""
        self._discarding = True
        self.backlog.clear()
        self._make_room()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _make_room(self) -> None:
        if self._resume and not self.is_full:
            resume, self._resume = self._resume, None
            resume()
