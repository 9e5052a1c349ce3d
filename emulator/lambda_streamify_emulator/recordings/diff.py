"""Two recordings side by side: the same bytes, the same borders between chunks, how far apart in time.

Both are read once, at the same pace, and nothing is kept of them but figures.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..commands import terminal
from .recording import HEAD, HIDDEN
from .recording_file import reading
from .timeline import Meter, Timeline, in_words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .recording import Event

SHOWN = 16  # bytes on each side of a difference


@dataclass(frozen=True)
class Difference:
    """The first byte that is not the same. A side that has ended has no chunk, and None for its bytes."""

    offset: int
    chunk_a: int | None  # numbers of chunks, from 1
    chunk_b: int | None
    bytes_a: str | None  # as a Python literal, around the difference
    bytes_b: str | None


@dataclass(frozen=True)
class Border:
    """The first chunks that begin at the same byte and do not end at the same byte."""

    offset: int  # where they begin
    chunk_a: int
    chunk_b: int
    size_a: int
    size_b: int


@dataclass(frozen=True)
class Distance:
    """The chunk that is farthest apart, of those that begin at the same byte; b's time less a's, in microseconds."""

    chunk_a: int
    chunk_b: int
    microseconds: int


@dataclass(frozen=True)
class Comparison:
    """What two streams have in common."""

    a: Timeline
    b: Timeline
    difference: Difference | None
    border: Border | None
    distance: Distance | None
    head: list[str]  # what is not the same of status, headers and cookies, where both were recorded

    @property
    def same_bytes(self) -> bool:
        """Whether the bodies are the same to the byte."""
        return self.difference is None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {"same_bytes": self.same_bytes, "same_borders": self.border is None, **asdict(self)}


def compare(a: Iterable[Event], b: Iterable[Event]) -> Comparison:
    """Compare two streams of events."""
    left, right = _Side(a), _Side(b)
    offset = 0
    border: Border | None = None
    difference: Difference | None = None
    distance: Distance | None = None
    while difference is None and left.has_more() and right.has_more():
        if left.is_at_start and right.is_at_start:
            apart = right.time - left.time
            if distance is None or abs(apart) > abs(distance.microseconds):
                distance = Distance(left.number, right.number, apart)
            if border is None and left.remaining != right.remaining:
                border = Border(offset, left.number, right.number, left.remaining, right.remaining)
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
        left.meter.timeline(), right.meter.timeline(), difference, border, distance, _heads(left.head, right.head)
    )


def show(path_a: Path, path_b: Path, *, as_json: bool) -> bool:
    """Print how two recordings compare; returns whether their bytes are the same."""
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
    """One of the streams, read up to a byte of a chunk."""

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
        """Whether there is another byte; reads up to it."""
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
        """The chunk's number, and the bytes around the one that is `at` so many from here; None at the end."""
        if not self.has_more():
            return None, None
        place = self._position + at
        start, end = max(0, place - SHOWN), place + SHOWN
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
    if names[0] != names[1]:  # their values are mostly not recorded
        found.append(f"cookies {', '.join(' '.join(side) or 'none' for side in names)}")
    return found


def _table(path_a: Path, path_b: Path, layers: tuple[str, str], comparison: Comparison) -> list[str]:
    """What people read: the figures of both, then what is the same and what is not."""
    a, b = comparison.a, comparison.b
    rows = [("", f"A: {path_a.name}", f"B: {path_b.name}", ""), ("layer", *layers, "")]
    rows += [(name, f"{getattr(a, name):,}", f"{getattr(b, name):,}", "") for name in ("bytes", "chunks")]
    rows += [_times(words, x, y) for (words, x), (_, y) in zip(_figures(a), _figures(b), strict=True)]
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


def _times(words: str, a: int | None, b: int | None) -> tuple[str, str, str, str]:
    if a is None or b is None:
        return words, in_words(a), in_words(b), ""
    return words, in_words(a), in_words(b), _signed(b - a)


def _signed(microseconds: int) -> str:
    return f"{'+' if microseconds > 0 else ''}{in_words(microseconds)}"


def _end(timeline: Timeline) -> str:
    reason = timeline.reason or "cut"
    return f"{reason} ({timeline.error})" if timeline.error else reason


def _verdict(comparison: Comparison) -> list[str]:
    difference, border, distance = comparison.difference, comparison.border, comparison.distance
    lines = [f"head: not the same: {'; '.join(comparison.head)}"] if comparison.head else []
    if difference is None:
        lines.append("bytes: the same")
    else:
        lines.append(f"bytes: not the same, first at byte {difference.offset}")
        sides = ("A", difference.chunk_a, difference.bytes_a), ("B", difference.chunk_b, difference.bytes_b)
        for name, chunk, shown in sides:
            lines.append(f"  {name}: the end" if chunk is None else f"  {name}: chunk {chunk}: {shown}")
    if border is None:
        lines.append("borders: the same" if difference is None else "borders: the same up to there")
    else:
        sizes = f"chunk {border.chunk_a} of A has {border.size_a} bytes, chunk {border.chunk_b} of B {border.size_b}"
        lines.append(f"borders: not the same, first behind byte {border.offset}: {sizes}")
    if distance is not None:
        words = "at the same times" if distance.microseconds == 0 else f"chunk {distance.chunk_a} of A is farthest away"
        apart = f": {_signed(distance.microseconds)} in B" if distance.microseconds else ""
        lines.append(f"times: {words}{apart}")
    return lines
