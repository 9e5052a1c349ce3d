"""A response in lockstep with its reader: chunk n + 1 is held back until the reader has taken chunk n.

So the reader gets the chunks as the runtime framed them, whatever joins and cuts bytes in between, and what it holds at
a step does not depend on how fast anybody is. What is held is the response: a function that yields small chunks runs
ahead as far as the kernel's buffers reach, as on AWS.
"""

from __future__ import annotations

import asyncio
import threading
from bisect import bisect_right
from typing import TYPE_CHECKING

from .channel import FunctionError, ResponseChannel
from .prelude import CONTENT_TYPE, DELIMITER, LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .invocation import Invocation


class Steps:
    """What the emulator's thread and the reader's know together of one response. Chunks are counted from 0."""

    def __init__(self) -> None:
        self.invocation: Invocation | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._changed: asyncio.Event | None = None
        self._written = self._passed = self._prelude = 0
        self._borders: list[int] = []  # where chunks of the body end, counted from the prelude's first byte
        self._asked = 0
        self._free = False
        self._ended = False

    # --- the reader's side, in any thread ----------------------------------------------------------------------------

    def size(self, number: int) -> int | None:
        """The size of a chunk, or None while that is not known: if there is such a chunk, more bytes are to come."""
        with self._lock:
            if number >= len(self._borders):
                return None
            return self._borders[number] - (self._borders[number - 1] if number else self._prelude)

    def ask(self, number: int) -> None:
        """The reader has all chunks before this one: it may pass."""
        with self._lock:
            self._asked = number
        self._tell()

    def free(self) -> None:
        """Hold nothing back any more."""
        with self._lock:
            self._free = True
        self._tell()

    def _tell(self) -> None:
        if self.loop is not None and self._changed is not None and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._changed.set)

    # --- the emulator's side, in the thread of its event loop --------------------------------------------------------

    def begin(self) -> None:
        """The response is to be held."""
        self.loop, self._changed = asyncio.get_running_loop(), asyncio.Event()

    def wrote(self, size: int) -> None:
        """The runtime has sent bytes."""
        with self._lock:
            self._written += size
        self._wake()

    def has_prelude(self, size: int) -> None:
        """So many bytes are none of the body."""
        with self._lock:
            self._prelude = size

    def border(self) -> None:
        """What the runtime has sent so far ends a chunk, if it is one of the body and not an empty one."""
        with self._lock:
            if self._written > (self._borders[-1] if self._borders else self._prelude):
                self._borders.append(self._written)
        self._wake()

    def end(self) -> None:
        """The response is complete."""
        with self._lock:
            self._ended = True
        self._wake()

    async def take(self, size: int) -> None:
        """Return when the next bytes may pass."""
        assert self._changed is not None
        with self._lock:
            start, self._passed = self._passed, self._passed + size
        while not self._may_pass(start, start + size):
            await self._changed.wait()
            self._changed.clear()

    def _may_pass(self, start: int, end: int) -> bool:
        with self._lock:
            if self._free or (self._ended and not self._borders):
                return True
            if bisect_right(self._borders, start) > self._asked:
                return False
            # The last bytes of a chunk wait until it is known that they are: who has them knows its size.
            return self._ended or self._written > end or self._borders[-1:] == [end] or end <= self._prelude

    def _wake(self) -> None:
        if self._changed is not None:
            self._changed.set()


class LockstepChannel(ResponseChannel):
    """The way of a response whose reader takes steps."""

    def __init__(self, steps: Steps) -> None:
        super().__init__()
        self._steps = steps
        self._head: bytearray | None = None  # while the prelude is not complete

    def start(self, content_type: str) -> None:
        """The response begins."""
        if content_type == CONTENT_TYPE:
            self._head = bytearray()
        super().start(content_type)

    def write(self, data: bytes) -> None:
        """The next bytes of the body."""
        if self._head is not None:
            self._head += data
            end = self._head.find(DELIMITER)
            if end >= 0:
                self._steps.has_prelude(end + len(DELIMITER))
                self._head = None
            elif len(self._head) >= LIMIT:
                self._steps.free()  # whoever reads it finds that it is none
                self._head = None
        super().write(data)
        self._steps.wrote(len(data))

    def border(self) -> None:
        """A chunk of the runtime's ends here."""
        if self._head is None:
            self._steps.border()

    def end(self, error: FunctionError | None = None) -> None:
        """The response is complete, or failed."""
        if not self.ended:
            self.border()
            self._steps.end()
        super().end(error)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body, as fast as its reader takes steps."""
        async for piece in super().pieces():
            await self._steps.take(len(piece))
            yield piece
