"""A backlog that never makes the writer wait: it keeps large amounts of data in a temporary file.

A REST API reads a stream as fast as the function sends it, however slow the client is (`mcp/entry/index.mjs` of the
Serverless Framework, whose authors have measured it).
"""

import os
from collections.abc import Callable
from tempfile import TemporaryFile
from typing import IO

from .backlog import HeldBacklog

MEMORY_LIMIT_BYTES = 256 * 1024  # pieces over this limit go to the file
READ_SIZE_BYTES = 64 * 1024  # of one read from the file


class Spool:
    """Keeps the first pieces in memory and the rest in a file without a name, which disappears with the emulator.

    `warn` is called with a message when the file cannot be written. The writer then waits, as with a function URL.
    """

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._memory = HeldBacklog()
        self._file: IO[bytes] | None = None
        self._read = self._written = 0  # offsets in the file
        self._unwritten = HeldBacklog()
        self._is_failing = False

    @property
    def is_full(self) -> bool:
        """Whether the writer should wait; always false while the file can be written."""
        return self._unwritten.is_full

    def add(self, piece: bytes) -> None:
        """Keep a piece for the reader."""
        in_memory = self._memory.size + len(piece) <= MEMORY_LIMIT_BYTES
        if self._is_failing:
            self._unwritten.add(piece)
        elif self._read == self._written and in_memory:
            self._memory.add(piece)
        else:
            self._write(piece)

    def take(self) -> bytes | None:
        """Remove and return the next piece; None if there is none. Pieces from the file may be joined or split."""
        piece = self._memory.take()
        if piece is not None:
            return piece
        if self._file is not None and self._read < self._written:
            piece = os.pread(self._file.fileno(), min(READ_SIZE_BYTES, self._written - self._read), self._read)
            self._read += len(piece)
            if self._read == self._written:
                self._file.truncate(0)
                self._read = self._written = 0
            return piece
        piece = self._unwritten.take()
        self._is_failing = piece is not None
        return piece

    def clear(self) -> None:
        """Drop everything, and close the file."""
        self._memory.clear()
        self._unwritten.clear()
        self._read = self._written = 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, piece: bytes) -> None:
        try:
            if self._file is None:
                self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - clear() closes it
            rest, end = memoryview(piece), self._written
            while rest:
                size = os.pwrite(self._file.fileno(), rest, end)
                rest, end = rest[size:], end + size
            self._written = end
        except OSError as error:
            self._warn(
                f"cannot write a temporary file for the response ({error.strerror or error}): a slow client now slows"
                " the function down, unlike behind API Gateway; set TMPDIR to a folder with free space"
            )
            self._is_failing = True
            self._unwritten.add(piece)
