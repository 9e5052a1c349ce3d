"""The figures of a stream: when its first byte arrived, the gaps between its chunks, its size.

A chunk is what arrived in one piece. It is not a token or a record: those may span several chunks, or share one.
All times are whole microseconds, as in a recording.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .distribution import Distribution
from .recording import END, ERROR, HEAD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .recording import Event


@dataclass(frozen=True)
class Gaps:
    """The times between one chunk and the next. Percentiles use the nearest rank, so each is an actual gap."""

    p50: int
    p90: int
    p99: int
    max: int
    max_before: int  # the number, from 1, of the chunk after the longest gap


@dataclass(frozen=True)
class Timeline:
    """The figures of one stream. The time of something that never happened is None."""

    first_byte: int | None  # of the head or the body, whichever came first
    first_body_byte: int | None
    last_body_byte: int | None
    total: int  # until the last event
    chunks: int
    bytes: int
    gaps: Gaps | None  # None for fewer than two chunks
    reason: str | None  # why the stream ended; None if its recording was cut
    error: str | None  # the type of its error
    lost: int = 0  # chunks missing from the recording, because the disk was slower than the stream

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON, under the same names."""
        return asdict(self)


class Meter:
    """Measures one stream, given its events in order. Keeps figures only, no events."""

    def __init__(self) -> None:
        self._first_byte: int | None = None
        self._first_chunk: int | None = None
        self._last_chunk: int | None = None
        self._total = 0
        self._chunks = 0
        self._bytes = 0
        self.gaps = Distribution()
        """All times between one chunk and the next."""
        self._longest_before = 0
        self._reason: str | None = None
        self._error: str | None = None
        self._lost = 0

    def add(self, event: Event) -> bytes | None:
        """Add the next event; return the bytes of its chunk, or None if it is not a chunk."""
        time, code, data = event
        self._total = time
        chunk = event.chunk
        if chunk is not None:
            self._add_chunk(time, len(chunk))
        elif code == HEAD and self._first_byte is None:
            self._first_byte = time
        elif code == ERROR:
            self._error = data["type"]
        elif code == END:
            self._reason = data["reason"]
            lost = data.get("lost")
            self._lost = lost.get("chunks", 0) if isinstance(lost, dict) else 0
        return chunk

    def timeline(self) -> Timeline:
        """Return the figures of the events so far."""
        return Timeline(
            first_byte=self._first_byte,
            first_body_byte=self._first_chunk,
            last_body_byte=self._last_chunk,
            total=self._total,
            chunks=self._chunks,
            bytes=self._bytes,
            gaps=self._gaps_so_far(),
            reason=self._reason,
            error=self._error,
            lost=self._lost,
        )

    def _add_chunk(self, time: int, size: int) -> None:
        self._chunks += 1
        if not size:
            return  # no reader sees an empty chunk arrive
        self._bytes += size
        if self._first_byte is None:
            self._first_byte = time
        if self._last_chunk is None:
            self._first_chunk = time
        else:
            gap = time - self._last_chunk
            if gap > self.gaps.max or not self.gaps.count:
                self._longest_before = self._chunks
            self.gaps.add(gap)
        self._last_chunk = time

    def _gaps_so_far(self) -> Gaps | None:
        if not self.gaps.count:
            return None
        p50, p90, p99 = self.gaps.percentiles(50, 90, 99)
        return Gaps(p50, p90, p99, self.gaps.max, self._longest_before)


def measure(events: Iterable[Event]) -> Timeline:
    """Return the figures of a whole stream."""
    meter = Meter()
    for event in events:
        meter.add(event)
    return meter.timeline()


def format_duration(microseconds: int | None) -> str:
    """Return a duration for people: "0.041 s" for 41210, "0.30 ms" for 300, and "-" for None."""
    if microseconds is None:
        return "-"
    if abs(microseconds) < 10_000:
        return f"{microseconds / 1000:.2f} ms"
    return f"{microseconds / 1_000_000:.3f} s"


def pluralize(number: int, noun: str) -> str:
    """Return a number with its noun: "1 chunk", "12 chunks"."""
    return f"{number} {noun}{'s' * (number != 1)}"
