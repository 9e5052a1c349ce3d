"""File-like response bodies: read in blocks, never loaded as a whole, and closed at the end."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

BLOCK_SIZE = 64 * 1024  # bytes, or characters of a text file


class FileBody:
    """Iterates over the blocks of `file`: any object whose `read(size)` returns str or bytes, empty at the end."""

    def __init__(self, file: "Any") -> None:
        self._file = file
        self.content_type = getattr(file, "content_type", None)

    def __iter__(self) -> "Iterator[str | bytes]":
        read = _block_reader(self._file)
        while block := read(BLOCK_SIZE):
            yield block

    def close(self) -> None:
        """Close the file."""
        close = getattr(self._file, "close", None)
        if close is not None:
            close()


def _block_reader(file: "Any") -> "Callable[[int], str | bytes]":
    """Return the method that reads one block at most.

    For a pipe or a socket this is `read1`, which returns the data available. `read` would wait for a full block.
    """
    read1 = getattr(file, "read1", None)
    if read1 is not None:
        return read1  # type: ignore[no-any-return]
    if hasattr(file, "buffer") and not file.seekable():  # a text stream that grows: `readline` waits for one line only
        return file.readline  # type: ignore[no-any-return]
    return file.read  # type: ignore[no-any-return]
