"""Rows of newline-delimited JSON out of bytes, without input or output.

Format: UTF-8, one JSON value a line, empty lines have no meaning (github.com/ndjson/ndjson-spec). The last line may
lack its line feed.
"""

from ..errors import StreamFailed
from ._lines import LineParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SHOWN_LIMIT_BYTES = 80  # of a line in an error message


class RowParser:
    """Takes the bytes of a stream as they come, and gives each value as soon as its line has ended.

    A line that is not JSON becomes a BadRow, so that the values before it are not lost.
    """

    def __init__(self) -> None:
        self._lines = LineParser()
        self._count = 0

    @property
    def rest(self) -> bytes:
        """The line that is incomplete."""
        return self._lines.rest

    def feed(self, data: bytes) -> "list[Any]":
        """The values that `data` completes."""
        return self._values(self._lines.feed(data))

    def end(self) -> "list[Any]":
        """The last value, if its line has no line feed."""
        return self._values(self._lines.end())

    def _values(self, lines: "list[bytes]") -> "list[Any]":
        from json import loads

        values = []
        for line in lines:
            self._count += 1
            if not line or line.isspace():
                continue
            try:
                values.append(loads(line))
            except (ValueError, RecursionError) as error:
                values.append(BadRow(self._count, line, error))
        return values


class BadRow:
    """A line that is not JSON, in the place of its value."""

    def __init__(self, number: int, line: bytes, reason: Exception) -> None:
        self._number = number
        self._line = line
        self._reason = reason

    def failure(self) -> StreamFailed:
        """The error to raise. Its `partial` is the line."""
        shown = self._line[:_SHOWN_LIMIT_BYTES]
        failure = StreamFailed(f"line {self._number} of the response is not JSON: {shown!r}")
        failure.partial = self._line
        failure.__cause__ = self._reason
        return failure
