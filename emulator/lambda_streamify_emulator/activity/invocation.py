"""One invocation as the dashboard shows it, measured as its runtime writes the response."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import PreludeError
from ..invocations.prelude import CONTENT_TYPE, Prelude, PreludeParser
from ..invocations.recording_channel import REASONS
from ..invocations.watched_channel import Watcher
from ..recordings.histogram import Histogram
from ..recordings.recording import chunk_event, error_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..invocations.channel import FunctionError
    from ..invocations.invocation import Invocation
    from ..recordings.recording import Event, RecordingWriter

SLOT_COUNT = 512  # of a timeline
MESSAGE_LENGTH_LIMIT = 500  # characters
CHUNK_LIMIT = 500  # kept, from the first one on
CHUNKS_LIMIT_BYTES = 128 * 1024  # kept, in total
EVENT_LIMIT_BYTES = 64 * 1024  # kept of an event


class WatchedInvocation(Watcher):
    """One invocation, measured without the prelude. Times are in microseconds."""

    def __init__(
        self, function: str, invocation: Invocation, clock: Callable[[], float], change: Callable[[], int]
    ) -> None:
        self.function = function
        self.request_id = invocation.request_id
        self.event: str | None = None
        """The event; None if it is longer than EVENT_LIMIT_BYTES, which happens only rarely."""
        if len(invocation.event) <= EVENT_LIMIT_BYTES:
            self.event = invocation.event.decode("utf-8", "replace")
        self.head: Prelude | None = None
        """The status, headers and cookies that the function sent before the body, if any."""
        self.dropped_chunks = 0
        """The number of chunks that are not kept."""
        self.reason: str | None = None
        """How the response ended; None while it runs."""
        self.error_report: str | None = None
        """The whole report of an error."""
        self._tail = invocation.tail
        self._clock = clock
        self._change = change
        self._start = clock()
        self._parser: PreludeParser | None = None
        self._head_at = 0
        self._chunk = bytearray()  # the unfinished one
        self._kept: list[tuple[int, bytes]] = []
        self._kept_bytes = 0
        self._first_byte: int | None = None
        self._latest: int | None = None
        self._gap: int | None = None
        self._chunks = self._bytes = 0
        self._histogram = Histogram(SLOT_COUNT)
        self._end: int | None = None
        self._error: dict[str, str] | None = None
        self._platform_type = ""  # of the error
        self._left = False
        self.version = change()
        """The number of its last change."""

    @property
    def log(self) -> str:
        """The last lines of its log. Carriage returns separate the lines of one record."""
        return self._tail.text.replace("\r", "\n")

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON: those of `Row.as_dict` that an invocation has."""
        return {
            "function": self.function,
            "request_id": self.request_id,
            "elapsed": self._elapsed() if self._end is None else self._end,
            "status": None if self.head is None else self.head.status,
            "first_byte": self._first_byte,
            "largest_gap": self._gap,
            "chunks": self._chunks,
            "bytes": self._bytes,
            "ending": self.reason,
            "error": self._error,
            "left": self._left,
            "slot": self._histogram.slot_us,
            "marks": [[slot, *counts] for slot, counts in self._histogram.counts.items()],
        }

    def chunk_events(self) -> list[Event]:
        """Return the kept chunks as events of a recording."""
        return [chunk_event(at, data) for at, data in self._kept]

    def write_to(self, writer: RecordingWriter) -> None:
        """Write the response, which has ended, to a recording."""
        if self.head is not None:
            writer.head(self._head_at, self.head.status, dict(self.head.headers), self.head.cookies)
        for at, data in self._kept:
            writer.chunk(at, data)
        end = self._end or 0
        if self._error is not None:
            writer.error(end, self._platform_type, self._error["message"])
        writer.end(end, self.reason or "end")

    def start(self, content_type: str) -> None:
        """Note that the response begins."""
        if content_type == CONTENT_TYPE:
            self._parser = PreludeParser()

    def write(self, data: bytes) -> None:
        """Count the next bytes."""
        if self._first_byte is None and data:
            self._first_byte = self._elapsed()
        self._chunk += data if self._parser is None else self._body_after_prelude(self._parser, data)

    def end_chunk(self) -> None:
        """Note that a chunk is complete."""
        chunk, self._chunk = bytes(self._chunk), bytearray()
        if chunk:
            at = self._elapsed()
            if self._latest is not None:
                self._gap = max(self._gap or 0, at - self._latest)
            self._latest = at
            self._chunks += 1
            self._bytes += len(chunk)
            self._histogram.add(at, len(chunk))
            self._keep(at, chunk)
        self.version = self._change()

    def end(self, error: FunctionError | None) -> None:
        """Note that the response is complete, or failed."""
        self._end = self._elapsed()
        self.reason = "end"
        if error is not None:
            self.reason = REASONS.get(error.error_type, "error")
            self._platform_type = error.error_type
            report = error.details.decode("utf-8", "replace")
            self.error_report = report[:CHUNKS_LIMIT_BYTES]
            message = error_message(report)
            self._error = {"type": _own_type(report) or error.error_type, "message": message[:MESSAGE_LENGTH_LIMIT]}
        self.version = self._change()

    def leave(self) -> None:
        """Note that the client has disconnected, unless the response is complete already."""
        if self._end is None:
            self._left = True
            self.version = self._change()

    def _keep(self, at: int, chunk: bytes) -> None:
        is_full = len(self._kept) >= CHUNK_LIMIT or self._kept_bytes + len(chunk) > CHUNKS_LIMIT_BYTES
        if is_full or self.dropped_chunks:  # a gap within the kept chunks would mislead
            self.dropped_chunks += 1
        else:
            self._kept.append((at, chunk))
            self._kept_bytes += len(chunk)

    def _elapsed(self) -> int:
        return int((self._clock() - self._start) * 1_000_000)

    def _body_after_prelude(self, parser: PreludeParser, data: bytes) -> bytes:
        try:
            found = parser.feed(data)
        except PreludeError:  # the front end reports it
            self._parser = None
            return b""
        if found is None:
            return b""
        self._parser = None
        self.head, rest = found
        self._head_at = self._elapsed()
        return rest


def _own_type(report: str) -> str | None:
    """Return the type in a report, such as ValueError, which the platform's type replaces by Runtime.Unknown."""
    try:
        name = json.loads(report)["errorType"]
    except (KeyError, RecursionError, TypeError, ValueError):
        return None
    return name if isinstance(name, str) and name else None
