"""The part of a response that its client has not read yet, and when the writer must wait for the client."""

from collections import deque
from typing import Protocol

BACKLOG_LIMIT_BYTES = 64 * 1024  # when this much waits for the client, the runtime's socket is not read


class Backlog(Protocol):
    """A queue of pieces between the writer of a response and its reader."""

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait."""

    def add(self, piece: bytes) -> None:
        """Keep a piece for the reader, even if the backlog is full."""

    def take(self) -> bytes | None:
        """Remove and return the next piece; None if the backlog is empty."""

    def clear(self) -> None:
        """Drop everything."""


class HeldBacklog:
    """A backlog in memory that is full at BACKLOG_LIMIT_BYTES, so that the writer waits."""

    def __init__(self) -> None:
        self.size = 0
        """The size of all pieces in the backlog, in bytes."""
        self._pieces: deque[bytes] = deque()

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait."""
        return self.size >= BACKLOG_LIMIT_BYTES

    def add(self, piece: bytes) -> None:
        """Keep a piece for the reader."""
        self._pieces.append(piece)
        self.size += len(piece)

    def take(self) -> bytes | None:
        """Remove and return the next piece; None if the backlog is empty."""
        if not self._pieces:
            return None
        piece = self._pieces.popleft()
        self.size -= len(piece)
        return piece

    def clear(self) -> None:
        """Drop everything."""
        self._pieces.clear()
        self.size = 0
