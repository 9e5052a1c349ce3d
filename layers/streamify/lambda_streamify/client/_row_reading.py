"""From chunks to rows, without input or output: errors, and the end. Both responses read by it."""

from ..errors import StreamCut
from ._in_band import check_row
from ._ndjson import BadRow, RowParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Any


class RowReading:
    """The rows of one response. `is_over` says whether the last row, which `until` recognises, has come."""

    def __init__(self, until: "Callable[[Any], object] | None") -> None:
        self.is_over = False
        self._until = until
        self._parser = RowParser()

    def feed(self, chunk: bytes) -> "Iterator[Any]":
        """The rows that `chunk` completes, up to the last one."""
        return self._checked(self._parser.feed(chunk))

    def end(self) -> "Iterator[Any]":
        """The row that the end of the response completes. Raises StreamCut if the last row is missing."""
        yield from self._checked(self._parser.end())
        if self._until is not None and not self.is_over:
            raise StreamCut("the response ended without its last row, which `until` describes")

    def cut(self, failure: StreamCut) -> None:
        """The response was cut: `failure` gets the incomplete row."""
        failure.partial = self._parser.rest

    def _checked(self, rows: "Iterable[Any]") -> "Iterator[Any]":
        for row in rows:
            if isinstance(row, BadRow):
                raise row.failure()
            check_row(row)
            self.is_over = self._until is not None and bool(self._until(row))
            yield row
            if self.is_over:
                return
