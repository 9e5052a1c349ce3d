"""The way of one response through the emulator: the only queue between a runtime's socket and a client's.

It is bounded. When it is full the runtime's socket is not read, so the kernel's buffers fill, the runtime's `send`
blocks, and a slow reader holds the generator, as on AWS.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

LIMIT = 64 * 1024  # bytes waiting for the client, beyond which the runtime's socket is not read


@dataclass(frozen=True)
class FunctionError:
    """How an invocation failed. `details` is the JSON object that the runtime or the platform reports."""

    error_type: str
    details: bytes


class FunctionFailed(Exception):
    """The function failed before its response began."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(error.error_type)
        self.error = error


class ResponseChannel:
    """A response while it is under way: the Runtime API writes it, one front end reads it."""

    def __init__(self) -> None:
        self.content_type: str | None = None
        self.error: FunctionError | None = None
        self.ended = False
        self._started = False
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._discarding = False
        self._changed = asyncio.Event()
        self._resume: Callable[[], None] | None = None

    # --- the Runtime API's side --------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait."""
        return self._size >= LIMIT

    def start(self, content_type: str) -> None:
        """The response begins."""
        self.content_type = content_type
        self._started = True
        self._changed.set()

    def write(self, data: bytes) -> None:
        """The next bytes of the body."""
        if not self._discarding:
            self._pieces.append(data)
            self._size += len(data)
            self._changed.set()

    def border(self) -> None:
        """A chunk of the runtime's ends here. Lambda's clients do not see the borders; tests may."""

    def when_room(self, resume: Callable[[], None]) -> None:
        """Call `resume` once, when the channel is no longer full."""
        self._resume = resume
        self._make_room()

    def end(self, error: FunctionError | None = None) -> None:
        """The response is complete, or failed; only the first end counts."""
        if not self.ended:
            self.ended, self.error = True, error
            self._changed.set()

    # --- the front end's side ----------------------------------------------------------------------------------------

    async def started(self) -> str:
        """Wait for the response to begin; returns the content type that the runtime gave it.

        Raises FunctionFailed if the function failed first.
        """
        while not self._started:
            if self.ended:
                raise FunctionFailed(self.error or FunctionError("Runtime.Unknown", b"{}"))
            await self._wait()
        return self.content_type or ""

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives. After it, `error` tells whether it is whole."""
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                self._size -= len(piece)
                self._make_room()
                yield piece
            if self.ended:
                return
            await self._wait()

    def discard(self) -> None:
        """Nobody reads any more. The function runs on to its end all the same, as on AWS."""
        self._discarding = True
        self._pieces.clear()
        self._size = 0
        self._make_room()

    async def _wait(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _make_room(self) -> None:
        if self._resume and not self.is_full:
            resume, self._resume = self._resume, None
            resume()
