"""File-like bodies: read in blocks, never loaded whole, closed at the end."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

BLOCK = 64 * 1024  # bytes, or characters of a text file


class FileBody:
    """The blocks of `file`: anything with `read(size)` that returns str or bytes, and nothing at its end."""

    def __init__(self, file: "Any") -> None:
        self._file = file
        self.content_type = getattr(file, "content_type", None)

    def __iter__(self) -> "Iterator[str | bytes]":
        # A pipe or a socket hands out what is there with read1; read would wait until the block is full.
        read = getattr(self._file, "read1", None) or self._file.read
        while block := read(BLOCK):
            yield block

    def close(self) -> None:
        """Close the file."""
        close = getattr(self._file, "close", None)
        if close is not None:
            close()
