"""Compares two recordings: their bytes, where their chunks end, and their times.

Both files are read once, side by side, and only figures are kept in memory.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..recordings.recording import HEAD, HIDDEN
from ..recordings.recording_file import reading
from ..recordings.timeline import Meter, Timeline, format_duration
from ..terminal import terminal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ..recordings.recording import Event

ERROR_LENGTH_LIMIT = 200  # characters
CONTEXT_BYTES = 16  # on each side of a difference


@dataclass(frozen=True)
class Difference:
    """The first byte that differs. For a stream that has ended there, chunk and bytes are None."""

    offset: int
    chunk_a: int | None  # number of the chunk, from 1
    chunk_b: int | None
    bytes_a: str | None  # the bytes around the difference, as a Python literal
    bytes_b: str | None


@dataclass(frozen=True)
class ChunkEnd:
    """The first two chunks that start at the same byte and end at different ones."""

    start: int  # the offset of their first byte
    chunk_a: int
    chunk_b: int
    size_a: int
    size_b: int


@dataclass(frozen=True)
class Distance:
    """The largest difference in time between two chunks that start at the same byte: b's time minus a's."""

    chunk_a: int
    chunk_b: int
    microseconds: int


@dataclass(frozen=True)
class Comparison:
    """How two streams differ."""

    a: Timeline
    b: Timeline
    difference: Difference | None
    chunk_end: ChunkEnd | None
    distance: Distance | None
    head: list[str]  # differences in status, headers and cookies, if both streams have a head

    @property
    def same_bytes(self) -> bool:
        """Whether the bodies have the same bytes."""
        return self.difference is None

    def as_dict(self) -> dict[str, Any]:
        """Return the fields for JSON."""
        return {"same_bytes": self.same_bytes, "same_chunk_ends": self.chunk_end is None, **asdict(self)}


def compare(a: Iterable[Event], b: Iterable[Event]) -> Comparison:
    """Compare two streams of events."""
    left, right = _Side(a), _Side(b)
    offset = 0
    chunk_end: ChunkEnd | None = None
    difference: Difference | None = None
    distance: Distance | None = None
    while difference is None and left.has_more() and right.has_more():
        if left.is_at_start and right.is_at_start:
            apart = right.time - left.time
            if distance is None or abs(apart) > abs(distance.microseconds):
                distance = Distance(left.number, right.number, apart)
            if chunk_end is None and left.remaining != right.remaining:
                chunk_end = ChunkEnd(offset, left.number, right.number, left.remaining, right.remaining)
        size = min(left.remaining, right.remaining)
        at = _first_difference(left.next(size), right.next(size))
        if at is not None:
            difference = _difference(offset + at, left, right, at)
        offset += left.take(size)
        right.take(size)
    if difference is None and left.has_more() != right.has_more():
        difference = _difference(offset, left, right, 0)
    left.drain()
    right.drain()
    return Comparison(
        left.meter.timeline(), right.meter.timeline(), difference, chunk_end, distance, _heads(left.head, right.head)
    )


def show(path_a: Path, path_b: Path, *, as_json: bool) -> bool:
    """Print how two recordings differ; return whether their bytes are the same."""
    with reading(path_a) as a, reading(path_b) as b:
        comparison = compare(a, b)
        layers = (a.header.layer, b.header.layer)
    if as_json:
        fields = comparison.as_dict()
        for name, layer in zip("ab", layers, strict=True):
            fields[name]["layer"] = layer
        print(json.dumps(fields))  # noqa: T201
    else:
        for line in _table(path_a, path_b, layers, comparison):
            terminal.OUT.print(Text(line))
    return comparison.same_bytes


class _Side:
    """One of the streams, and the position up to which it has been compared."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.meter = Meter()
        self.head: dict[str, Any] | None = None
        self.number = 0
        self.time = 0
        self._events = iter(events)
        self._chunk = b""
        self._position = 0

    @property
    def is_at_start(self) -> bool:
        return self._position == 0

    @property
    def remaining(self) -> int:
        return len(self._chunk) - self._position

    def has_more(self) -> bool:
        """Return whether there is another byte; read events up to it."""
        while not self.remaining:
            event = next(self._events, None)
            if event is None:
                return False
            self._read(event)
        return True

    def next(self, size: int) -> memoryview:
        return memoryview(self._chunk)[self._position : self._position + size]

    def take(self, size: int) -> int:
        self._position += size
        return size

    def around(self, at: int) -> tuple[int, str] | tuple[None, None]:
        """Return the chunk's number and the bytes around the one that is `at` bytes ahead; None and None at the end."""
        if not self.has_more():
            return None, None
        place = self._position + at
        start, end = max(0, place - CONTEXT_BYTES), place + CONTEXT_BYTES
        text = repr(self._chunk[start:end])
        return self.number, f"{'…' if start else ''}{text}{'…' if end < len(self._chunk) else ''}"

    def drain(self) -> None:
        for event in self._events:
            self._read(event)

    def _read(self, event: Event) -> None:
        chunk = self.meter.add(event)
        if chunk is not None:
            self._chunk, self._position = chunk, 0
            self.number, self.time = self.number + 1, event.time
        elif event.code == HEAD and self.head is None:
            self.head = event.data


def _first_difference(a: memoryview, b: memoryview) -> int | None:
    if a == b:
        return None
    return next(place for place, (left, right) in enumerate(zip(a, b, strict=True)) if left != right)


def _difference(offset: int, left: _Side, right: _Side, at: int) -> Difference:
    chunk_a, bytes_a = left.around(at)
    chunk_b, bytes_b = right.around(at)
    return Difference(offset, chunk_a, chunk_b, bytes_a, bytes_b)


def _heads(a: dict[str, Any] | None, b: dict[str, Any] | None) -> list[str]:
    if a is None or b is None:
        return []
    found = [] if a["status_code"] == b["status_code"] else [f"status {a['status_code']}, {b['status_code']}"]
    left, right = ({name.lower(): value for name, value in head["headers"].items()} for head in (a, b))
    for name in sorted({*left, *right}):
        values = [left.get(name), right.get(name)]
        if values[0] != values[1] and HIDDEN not in values:
            found.append(f"{name} {', '.join('missing' if value is None else value for value in values)}")
    names = [[cookie.partition("=")[0] for cookie in head["cookies"]] for head in (a, b)]
    if names[0] != names[1]:  # most recordings hide their values
        found.append(f"cookies {', '.join(' '.join(side) or 'none' for side in names)}")
    return found


def _table(path_a: Path, path_b: Path, layers: tuple[str, str], comparison: Comparison) -> list[str]:
    """Return the lines for people: the figures of both recordings, then the differences."""
    a, b = comparison.a, comparison.b
    rows = [("", f"A: {path_a.name}", f"B: {path_b.name}", ""), ("layer", *layers, "")]
    rows += [(name, f"{getattr(a, name):,}", f"{getattr(b, name):,}", "") for name in ("bytes", "chunks")]
    rows += [_times(label, x, y) for (label, x), (_, y) in zip(_figures(a), _figures(b), strict=True)]
    rows.append(("end", _end(a), _end(b), ""))
    if a.lost or b.lost:
        rows.append(("not recorded", f"{a.lost:,} chunks", f"{b.lost:,} chunks", ""))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [*lines, "", *_verdict(comparison)]


def _figures(timeline: Timeline) -> list[tuple[str, int | None]]:
    gaps = timeline.gaps
    return [
        ("first byte", timeline.first_byte),
        ("first body byte", timeline.first_body_byte),
        ("gap p50", gaps.p50 if gaps else None),
        ("gap p90", gaps.p90 if gaps else None),
        ("gap p99", gaps.p99 if gaps else None),
        ("gap max", gaps.max if gaps else None),
        ("total", timeline.total),
    ]


def _times(label: str, a: int | None, b: int | None) -> tuple[str, str, str, str]:
    if a is None or b is None:
        return label, format_duration(a), format_duration(b), ""
    return label, format_duration(a), format_duration(b), _signed(b - a)


def _signed(microseconds: int) -> str:
    return f"{'+' if microseconds > 0 else ''}{format_duration(microseconds)}"


def _end(timeline: Timeline) -> str:
    reason = timeline.reason or "cut"
    if not timeline.error:
        return reason
    error = timeline.error if len(timeline.error) <= ERROR_LENGTH_LIMIT else f"{timeline.error[:ERROR_LENGTH_LIMIT]}…"
    return f"{reason} ({error})"


def _verdict(comparison: Comparison) -> list[str]:
    difference, chunk_end, distance = comparison.difference, comparison.chunk_end, comparison.distance
    lines = [f"head: differs: {'; '.join(comparison.head)}"] if comparison.head else []
    if difference is None:
        lines.append("bytes: the same")
    else:
        lines.append(f"bytes: differ, first at byte {difference.offset}")
        sides = ("A", difference.chunk_a, difference.bytes_a), ("B", difference.chunk_b, difference.bytes_b)
        for name, chunk, shown in sides:
            lines.append(f"  {name}: the end" if chunk is None else f"  {name}: chunk {chunk}: {shown}")
    if chunk_end is None:
        lines.append("chunks: the same" if difference is None else "chunks: the same up to there")
    else:
        sizes = (
            f"chunk {chunk_end.chunk_a} of A has {chunk_end.size_a} bytes, "
            f"chunk {chunk_end.chunk_b} of B has {chunk_end.size_b}"
        )
        lines.append(f"chunks: differ, first at byte {chunk_end.start}: {sizes}")
    if distance is not None and distance.microseconds == 0:
        lines.append("times: the same")
    elif distance is not None:
        lines.append(f"times: chunk {distance.chunk_a} of A differs most: {_signed(distance.microseconds)} in B")
    return lines
