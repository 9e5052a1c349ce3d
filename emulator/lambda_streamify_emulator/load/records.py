"""Counts the records of a stream: the events of server-sent events, or the lines of NDJSON. A token is often one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGINNING_BYTES = 8  # of a line: enough to see that it is not empty, and whether it is data
_EVENTS, _LINES = "text/event-stream", ("application/x-ndjson", "application/jsonl", "application/jsonlines")


class RecordCounter:
    """Counts records, given the chunks of a body in order. A record may span chunks, or share one."""

    def __init__(self, content_type: str) -> None:
        media_type = content_type.partition(";")[0].strip().lower()
        self._are_events = media_type == _EVENTS
        self._are_lines = media_type in _LINES
        self._rest = b""
        self._has_data = False
        self.count = 0

    def add(self, chunk: bytes) -> None:
        """Count the records that end in this chunk. A stream of another type has none."""
        if not (self._are_events or self._are_lines):
            return
        *lines, rest = (self._rest + chunk).split(b"\n")
        self._rest = rest[:BEGINNING_BYTES]
        for line in lines:
            self._add_line(line.rstrip(b"\r"))

    def _add_line(self, line: bytes) -> None:
        if self._are_lines:
            self.count += bool(line)
        elif line:
            self._has_data = self._has_data or line.startswith(b"data")
        else:  # an empty line ends an event; without data it is none (HTML standard, section 9.2.6)
            self.count += self._has_data
            self._has_data = False


def content_type(headers: Mapping[str, str]) -> str:
    """Return the content type of a response, or ""."""
    return next((value for name, value in headers.items() if name.lower() == "content-type"), "")
