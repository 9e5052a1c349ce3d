"""A response in lockstep with its reader: chunk n + 1 is held back until the reader has taken chunk n.

The reader therefore gets the chunks as the runtime framed them, even if bytes are joined and split in between, and what
it has received at each step does not depend on timing. Only the response is held back: a function that yields small
chunks runs ahead until the kernel's buffers are full, as on AWS.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from typing import TYPE_CHECKING

from .channel import FunctionError, ResponseChannel
from .prelude import CONTENT_TYPE, DELIMITER, PRELUDE_LIMIT_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .backlog import Backlog
    from .invocation import Invocation


class Steps:
    """The state of one response that the emulator's thread and the reader's thread share. Chunk numbers start at 0."""

    def __init__(self) -> None:
        self.invocation: Invocation | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._changed: asyncio.Event | None = None
        self._written = self._passed = self._prelude = 0
        self._chunk_ends: list[int] = []  # offsets from the first byte of the prelude
        self._requested = 0
        self._is_released = False
        self._ended = False

    # --- the reader's side, in any thread ----------------------------------------------------------------------------

    def size(self, number: int) -> int | None:
        """Return the size of a chunk, or None while it is not known: the chunk is not complete, or does not exist."""
        with self._lock:
            if number >= len(self._chunk_ends):
                return None
            return self._chunk_ends[number] - (self._chunk_ends[number - 1] if number else self._prelude)

    def request(self, number: int) -> None:
        """Let this chunk pass: the reader has taken all chunks before it."""
        with self._lock:
            self._requested = number
        self._notify_reader_request()

    def release_all(self) -> None:
        """Let all chunks pass from now on."""
        with self._lock:
            self._is_released = True
        self._notify_reader_request()

    def _notify_reader_request(self) -> None:
        if self.loop is not None and self._changed is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._changed.set)

    # --- the emulator's side, in the thread of its event loop --------------------------------------------------------

    def begin(self) -> None:
        """Start to hold back the response."""
        self.loop, self._changed = asyncio.get_running_loop(), asyncio.Event()

    def add_written(self, size: int) -> None:
        """Count bytes that the runtime has sent."""
        with self._lock:
            self._written += size
        self._wake()

    def set_prelude_size(self, size: int) -> None:
        """Set the size of the prelude: so many bytes do not belong to the body."""
        with self._lock:
            self._prelude = size

    def end_chunk(self) -> None:
        """Record the end of a chunk, unless the chunk is empty or part of the prelude."""
        with self._lock:
            if self._written > (self._chunk_ends[-1] if self._chunk_ends else self._prelude):
                self._chunk_ends.append(self._written)
        self._wake()

    def end(self) -> None:
        """Record that the response is complete."""
        with self._lock:
            self._ended = True
        self._wake()

    async def take(self, size: int) -> None:
        """Wait until the next `size` bytes may pass."""
        assert self._changed is not None
        with self._lock:
            start, self._passed = self._passed, self._passed + size
        while not self._may_pass(start, start + size):
            await self._changed.wait()
            self._changed.clear()

    def _may_pass(self, start: int, end: int) -> bool:
        with self._lock:
            if self._is_released or (self._ended and not self._chunk_ends):
                return True
            if bisect_right(self._chunk_ends, start) > self._requested:
                return False
            # Hold bytes back until it is known whether they end the chunk: the reader can then ask for its size.
            return self._ended or self._written > end or self._chunk_ends[-1:] == [end] or end <= self._prelude

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()


class LockstepChannel(ResponseChannel):
    """The channel of a response whose reader takes one chunk at a time."""

    def __init__(self, steps: Steps, backlog: Backlog | None = None) -> None:
        super().__init__(backlog)
        self._steps = steps
        self._head: bytearray | None = None  # while the prelude is not complete

    def start(self, content_type: str) -> None:
        """Begin the response."""
        if content_type == CONTENT_TYPE:
            self._head = bytearray()
        super().start(content_type)

    def write(self, data: bytes) -> None:
        """Add the next bytes of the body."""
        if self._head is not None:
            self._head += data
            end = self._head.find(DELIMITER)
            if end >= 0:
                self._steps.set_prelude_size(end + len(DELIMITER))
                self._head = None
            elif len(self._head) >= PRELUDE_LIMIT_BYTES:
                self._steps.release_all()  # not a prelude: the reader reports the error
                self._head = None
        super().write(data)
        self._steps.add_written(len(data))

    def end_chunk(self) -> None:
        """Mark the end of a chunk that the runtime sent."""
        if self._head is None:
            self._steps.end_chunk()

    def end(self, error: FunctionError | None = None) -> None:
        """Complete the response, or fail it with `error`."""
        if not self.ended:
            self.end_chunk()
            self._steps.end()
        super().end(error)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the body, as fast as the reader asks for chunks."""
        async for piece in super().pieces():
            await self._steps.take(len(piece))
            yield piece
