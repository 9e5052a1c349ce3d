"""File-like bodies: read in blocks, never loaded whole, closed at the end."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

BLOCK = 64 * 1024  # bytes, or characters of a text file


class FileBody:
    """The blocks of `file`: anything with `read(size)` that returns str or bytes, and nothing at its end."""

    def __init__(self, file: "Any") -> None:
        self._file = file
        self.content_type = getattr(file, "content_type", None)

    def __iter__(self) -> "Iterator[str | bytes]":
        read = _read_of(self._file)
        while block := read(BLOCK):
            yield block

    def close(self) -> None:
        """Close the file."""
        close = getattr(self._file, "close", None)
        if close is not None:
            close()


def _read_of(file: "Any") -> "Callable[[int], str | bytes]":
    """What reads at most one block. A pipe or a socket hands out what is there; `read` would wait for a full block."""
    read1 = getattr(file, "read1", None)
    if read1 is not None:
        return read1  # type: ignore[no-any-return]
    if hasattr(file, "buffer") and not file.seekable():  # text that comes in bit by bit: a line is there or not
        return file.readline  # type: ignore[no-any-return]
    return file.read  # type: ignore[no-any-return]
