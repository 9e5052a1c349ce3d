"""Draws recordings as an SVG: time on one axis, each chunk a mark whose height is its size, one lane per recording.

The file does not grow with the number of chunks: chunks in the same column of the picture share one mark, as high as
the largest of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from ..errors import PlotError
from ..recordings.recording import HEAD
from ..recordings.recording_file import reading
from ..recordings.timeline import Meter, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..recordings.timeline import Timeline

# Pixels.
WIDTH, LEFT, RIGHT = 960, 76, 24
TOP, CAPTION_HEIGHT, LANE_HEIGHT, LANE_SPACING, BOTTOM = 74, 42, 130, 18, 52
PLOT_WIDTH = WIDTH - LEFT - RIGHT
MIN_MARK_HEIGHT = 3

DOT_LIMIT = 300  # if a lane has more marks, they have no dots

TEXT_COLOUR, GRID_COLOUR, CHUNK_COLOUR = "#1b1b1b", "#c9c9c9", "#1f5fa8"
GAP_COLOUR, HEAD_COLOUR, ERROR_COLOUR = "#f3e7c4", "#2e7d32", "#b3261e"


@dataclass
class Lane:
    """One recording in the picture. Times are microseconds; `marks` has the size of the largest chunk per column."""

    name: str
    layer: str
    timeline: Timeline
    head: int | None = None
    longest_gap: tuple[int, int] | None = None  # its start and end
    marks: dict[int, int] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """The title: name, layer and, if there was one, the error."""
        error = self.timeline.error
        return f"{_short(self.name)} ({self.layer}){f': {_short(error)}' if error else ''}"

    @property
    def figures(self) -> str:
        """The figures in one line."""
        timeline = self.timeline
        parts = [f"{timeline.chunks:,} chunk{'s' * (timeline.chunks != 1)}", f"{timeline.bytes:,} bytes"]
        parts.append(f"first byte {format_duration(timeline.first_byte)}")
        if timeline.gaps:
            gaps = timeline.gaps
            parts.append(
                f"gaps p50 {format_duration(gaps.p50)}, p99 {format_duration(gaps.p99)}, "
                f"longest {format_duration(gaps.max)}"
            )
        if timeline.lost:
            parts.append(f"{timeline.lost:,} not recorded")
        return "; ".join([*parts, f"{timeline.reason or 'cut'} {format_duration(timeline.total)}"])


@dataclass(frozen=True)
class Scale:
    """Converts times and sizes to pixels. All lanes share one scale, so that they can be compared."""

    total: int  # microseconds
    size: int  # bytes of the largest chunk

    def x(self, time: float) -> float:
        """Return the x coordinate of a time."""
        return LEFT + PLOT_WIDTH * time / self.total

    def height(self, size: int) -> float:
        """Return the height of a chunk's mark."""
        return max(MIN_MARK_HEIGHT, LANE_HEIGHT * size / self.size)

    @property
    def unit(self) -> tuple[str, int]:
        """The unit of the time axis, and how many microseconds it has."""
        if self.total >= 2_000_000:
            return "s", 1_000_000
        return ("ms", 1000) if self.total >= 2000 else ("µs", 1)

    @property
    def time_label(self) -> str:
        """The label of the time axis."""
        return f"time since the request began ({self.unit[0]})"

    def time_ticks(self) -> list[tuple[float, str]]:
        """Return the ticks of the time axis: microseconds and label."""
        _, unit = self.unit
        return [(tick * unit, _number(tick)) for tick in ticks(self.total / unit, 10)]

    def size_ticks(self) -> list[tuple[int, str]]:
        """Return the ticks of the size axis: bytes and label."""
        return [(int(tick), f"{int(tick):,}") for tick in ticks(self.size, 3) if tick == int(tick)]


def plot(paths: Sequence[Path], output: Path) -> None:
    """Draw the recordings into the file `output`. Raises PlotError if its name does not end in .svg."""
    if output.suffix.lower() != ".svg":
        raise PlotError(f"{output}: the picture is an SVG, so its name must end in .svg")
    drawn = svg(*read(paths))
    try:
        output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise PlotError(f"{output} cannot be written: {error.strerror}") from error


def read(paths: Sequence[Path]) -> tuple[list[Lane], Scale]:
    """Return the lanes and their scale. Each file is read twice: first for the scale, then for the marks."""
    lanes, largest = list[Lane](), 1
    for path in paths:
        meter = Meter()
        with reading(path) as reader:
            for event in reader:
                chunk = meter.add(event)
                largest = max(largest, len(chunk or b""))
            lanes.append(Lane(path.name, reader.header.layer, meter.timeline()))
    scale = Scale(max(1, *(lane.timeline.total for lane in lanes)), largest)
    for path, lane in zip(paths, lanes, strict=True):
        _fill(lane, path, scale)
    return lanes, scale


def _fill(lane: Lane, path: Path, scale: Scale) -> None:
    gaps, number, previous = lane.timeline.gaps, 0, 0
    with reading(path) as reader:
        for event in reader:
            chunk = event.chunk
            if event.code == HEAD and lane.head is None:
                lane.head = event.time
            if chunk is None:
                continue
            number += 1
            if gaps is not None and number == gaps.max_before:
                lane.longest_gap = (previous, event.time)
            previous = event.time if chunk else previous
            column = round(2 * scale.x(event.time))
            lane.marks[column] = max(lane.marks.get(column, 0), len(chunk))


def ticks(end: float, count: int) -> list[float]:
    """Return about `count` evenly spaced round numbers from 0 to `end`."""
    rough = end / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [round(number * step, 12) for number in range(int(end / step * 1.0001) + 1)]


# --- SVG -------------------------------------------------------------------------------------------------------------


def svg(lanes: Sequence[Lane], scale: Scale) -> str:
    """Return the picture as an SVG document."""
    height = TOP + len(lanes) * (CAPTION_HEIGHT + LANE_HEIGHT) + (len(lanes) - 1) * LANE_SPACING + BOTTOM
    title = "Chunks over time"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    style = f'role="img" font-family="sans-serif" font-size="12" fill="{TEXT_COLOUR}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>',
        f"<title>{title}: {escape(', '.join(_short(lane.name) for lane in lanes))}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="28" font-size="18" font-weight="bold">{title}</text>',
        *_legend(lanes),
    ]
    top = TOP
    for lane in lanes:
        parts += _svg_lane(lane, scale, top)
        top += CAPTION_HEIGHT + LANE_HEIGHT + LANE_SPACING
    parts += _time_axis(scale, top - LANE_SPACING)
    return "\n".join([*parts, "</svg>", ""])


def _legend(lanes: Sequence[Lane]) -> Iterator[str]:
    """Yield an entry, a symbol and its label, for each kind of mark that the picture contains."""
    entries = [
        (_stem(0, 10, 10), "chunk", True),
        (
            f'<rect x="-6" y="-2" width="12" height="12" fill="{GAP_COLOUR}"/>',
            "longest gap",
            _any(lanes, "longest_gap"),
        ),
        (_line(0, -3, 11, HEAD_COLOUR, "4 2"), "status and headers", _any(lanes, "head")),
        (_line(0, -3, 11, TEXT_COLOUR), "end", any(lane.timeline.reason and not lane.timeline.error for lane in lanes)),
        (_line(0, -3, 11, ERROR_COLOUR), "end in an error", any(lane.timeline.error for lane in lanes)),
    ]
    x = LEFT + 6
    for symbol, label, is_shown in entries:
        if is_shown:
            yield f'<g transform="translate({x} 46)">{symbol}<text x="12" y="9">{label}</text></g>'
            x += 12 + 7 * len(label) + 24


def _svg_lane(lane: Lane, scale: Scale, top: int) -> Iterator[str]:
    base = top + CAPTION_HEIGHT + LANE_HEIGHT
    yield f'<text x="{LEFT}" y="{top + 14}" font-size="13" font-weight="bold">{escape(lane.headline)}</text>'
    yield f'<text x="{LEFT}" y="{top + 31}">{escape(lane.figures)}</text>'
    if lane.longest_gap:
        start, end = map(scale.x, lane.longest_gap)
        place = f'x="{start:.1f}" y="{base - LANE_HEIGHT}" width="{end - start:.1f}" height="{LANE_HEIGHT}"'
        yield f'<rect {place} fill="{GAP_COLOUR}"/>'
    for size, label in scale.size_ticks():
        y = base - LANE_HEIGHT * size / scale.size
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GRID_COLOUR}" stroke-width="0.5"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    middle = base - LANE_HEIGHT / 2
    yield f'<text transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle">bytes in chunk</text>'
    if lane.head is not None:
        yield _line(scale.x(lane.head), base - LANE_HEIGHT, base, HEAD_COLOUR, "4 2")
    if lane.timeline.reason is not None or lane.timeline.error is not None:
        yield _line(
            scale.x(lane.timeline.total), base - LANE_HEIGHT, base, ERROR_COLOUR if lane.timeline.error else TEXT_COLOUR
        )
    yield from _marks(lane, scale, base)
    yield f'<path d="M{LEFT} {base}H{WIDTH - RIGHT}" stroke="{TEXT_COLOUR}"/>'


def _marks(lane: Lane, scale: Scale, base: int) -> Iterator[str]:
    stems = "".join(f"M{column / 2:g} {base}V{base - scale.height(lane.marks[column]):.1f}" for column in lane.marks)
    width = 1.5 if len(lane.marks) <= DOT_LIMIT else 0.5
    yield f'<path d="{stems}" stroke="{CHUNK_COLOUR}" stroke-width="{width}"/>'
    if len(lane.marks) <= DOT_LIMIT:
        for column, size in lane.marks.items():
            yield f'<circle cx="{column / 2:g}" cy="{base - scale.height(size):.1f}" r="3" fill="{CHUNK_COLOUR}"/>'


def _stem(x: float, base: float, height: float) -> str:
    return (
        f'<path d="M{x} {base}V{base - height}" stroke="{CHUNK_COLOUR}" stroke-width="1.5"/>'
        f'<circle cx="{x}" cy="{base - height}" r="3" fill="{CHUNK_COLOUR}"/>'
    )


def _line(x: float, top: float, base: float, colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x:.1f} {top}V{base}" stroke="{colour}" stroke-width="1.5"{dashed}/>'


def _time_axis(scale: Scale, base: int) -> Iterator[str]:
    for time, label in scale.time_ticks():
        x = scale.x(time)
        yield f'<path d="M{x:.1f} {base}v5" stroke="{TEXT_COLOUR}"/>'
        yield f'<text x="{x:.1f}" y="{base + 18}" text-anchor="middle">{label}</text>'
    title = scale.time_label
    yield f'<text x="{LEFT + PLOT_WIDTH / 2:.0f}" y="{base + 40}" text-anchor="middle">{title}</text>'


def _number(value: float) -> str:
    return f"{value:,.12g}"


def _short(text: str) -> str:
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= 40 else f"{printable[:22]}…{printable[-17:]}"


def _any(lanes: Sequence[Lane], name: str) -> bool:
    return any(getattr(lane, name) is not None for lane in lanes)
