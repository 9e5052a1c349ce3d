"""Parses the records of a body: server-sent events (WHATWG HTML, section 9.2.6) and NDJSON."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

EVENT_STREAM = "text/event-stream"
NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_LINE_END = re.compile("\r\n|\r|\n")


class ServerSentEvent(NamedTuple):
    """An event as a page receives it. `id` is the latest id of the stream; `retry` is in milliseconds, or None."""

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None

    def json(self) -> Any:
        """Parse the data as JSON."""
        return json.loads(self.data)


def server_sent_events(text: str) -> list[ServerSentEvent]:
    """Parse the events of a whole stream. Comments, and lines without a blank line after them, are ignored."""
    events = []
    data: list[str] = []
    kind = latest_id = ""
    retry: int | None = None
    *lines, _ = _LINE_END.split(text.removeprefix("\ufeff"))
    for line in lines:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append(ServerSentEvent("\n".join(data), kind or "message", latest_id, retry))
            data, kind, retry = [], "", None
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            latest_id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            retry = int(value)
    return events


def records(text: str) -> list[Any]:
    """Parse NDJSON. Raises ValueError with the number of a line that is not JSON."""
    values = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                values.append(json.loads(line))
            except ValueError as error:
                raise ValueError(f"line {number} of the body is not JSON: {error}") from error
    return values


def parsed(content_type: str, text: str) -> list[Any]:
    """Parse a body by its content type. Raises ValueError for a content type without records."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == EVENT_STREAM:
        return server_sent_events(text)
    if kind in NDJSON:
        return records(text)
    raise ValueError(
        f"the content type is {content_type or 'not known'!r}, not {EVENT_STREAM} or {NDJSON[0]}:"
        " call server_sent_events() or records() to choose the format"
    )
