"""Recordings as a picture: time on one axis, each chunk a mark as high as it is large, recordings above each other.

The picture is SVG, made here, or PNG, made by `plot_png`. Its size does not grow with the number of chunks: those that
would share a column of the picture are one mark, as high as the largest of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from ..errors import PlotError
from .recording import HEAD
from .recording_file import reading
from .timeline import Meter, in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from .timeline import Timeline

# Pixels.
WIDTH, LEFT, RIGHT = 960, 76, 24
TOP, CAPTION, LANE, BETWEEN, BOTTOM = 74, 42, 130, 18, 52
PLOT = WIDTH - LEFT - RIGHT
LEAST = 3  # the height of the smallest chunk
DOTS = 300  # marks, up to which each has a dot

INK, FAINT, CHUNK, SILENCE, HEAD_COLOUR, ERROR_COLOUR = "#1b1b1b", "#c9c9c9", "#1f5fa8", "#f3e7c4", "#2e7d32", "#b3261e"


@dataclass
class Lane:
    """One recording in the picture. Times are microseconds; `marks` has the largest chunk of each column."""

    name: str
    layer: str
    timeline: Timeline
    head: int | None = None
    silence: tuple[int, int] | None = None  # the longest
    marks: dict[int, int] = field(default_factory=dict)

    @property
    def headline(self) -> str:
        """What is shown."""
        error = self.timeline.error
        return f"{_short(self.name)} ({self.layer}){f': {_short(error)}' if error else ''}"

    @property
    def figures(self) -> str:
        """Its figures, in a line."""
        timeline = self.timeline
        parts = [f"{timeline.chunks:,} chunk{'s' * (timeline.chunks != 1)}", f"{timeline.bytes:,} bytes"]
        parts.append(f"first byte {in_words(timeline.first_byte)}")
        if timeline.gaps:
            gaps = timeline.gaps
            parts.append(f"gaps p50 {in_words(gaps.p50)}, p99 {in_words(gaps.p99)}, longest {in_words(gaps.max)}")
        if timeline.lost:
            parts.append(f"{timeline.lost:,} not recorded")
        return "; ".join([*parts, f"{timeline.reason or 'cut'} {in_words(timeline.total)}"])


@dataclass(frozen=True)
class Scale:
    """Where things are. One for all lanes, so that they can be compared."""

    total: int  # microseconds
    size: int  # bytes of the largest chunk

    def x(self, time: float) -> float:
        """Where a time is, from the left."""
        return LEFT + PLOT * time / self.total

    def height(self, size: int) -> float:
        """How high the mark of a chunk is."""
        return max(LEAST, LANE * size / self.size)

    @property
    def unit(self) -> tuple[str, int]:
        """The unit of the time axis, and its microseconds."""
        if self.total >= 2_000_000:
            return "s", 1_000_000
        return ("ms", 1000) if self.total >= 2000 else ("µs", 1)

    @property
    def time_label(self) -> str:
        """What the time axis is of."""
        return f"time since the request began ({self.unit[0]})"

    def time_ticks(self) -> list[tuple[float, str]]:
        """Microseconds and what is written there."""
        _, unit = self.unit
        return [(tick * unit, _number(tick)) for tick in ticks(self.total / unit, 10)]

    def size_ticks(self) -> list[tuple[int, str]]:
        """Bytes and what is written there."""
        return [(int(tick), f"{int(tick):,}") for tick in ticks(self.size, 3) if tick == int(tick)]


def plot(paths: Sequence[Path], output: Path) -> None:
    """Draw the recordings into `output`, whose name ends in .svg or .png."""
    kind = output.suffix.lower()
    if kind not in (".svg", ".png"):
        raise PlotError(f"{output}: its name must end in .svg or .png, for that says what is drawn")
    lanes, scale = read(paths)
    if kind == ".svg":
        drawn = svg(lanes, scale).encode()
    else:
        from .plot_png import png

        drawn = png(lanes, scale)
    try:
        output.write_bytes(drawn)
    except OSError as error:
        raise PlotError(f"{output} cannot be written: {error.strerror}") from error


def read(paths: Sequence[Path]) -> tuple[list[Lane], Scale]:
    """The lanes of the picture. Each file is read twice: what is to be shown, then where it stands."""
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
    gaps, number, before = lane.timeline.gaps, 0, 0
    with reading(path) as reader:
        for event in reader:
            chunk = event.chunk
            if event.code == HEAD and lane.head is None:
                lane.head = event.time
            if chunk is None:
                continue
            number += 1
            if gaps is not None and number == gaps.max_before:
                lane.silence = (before, event.time)
            before = event.time if chunk else before
            column = round(2 * scale.x(event.time))
            lane.marks[column] = max(lane.marks.get(column, 0), len(chunk))


def ticks(end: float, most: int) -> list[float]:
    """At most about so many round numbers from 0 to `end`, evenly apart."""
    rough = end / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    return [round(number * step, 12) for number in range(int(end / step * 1.0001) + 1)]


# --- SVG -------------------------------------------------------------------------------------------------------------


def svg(lanes: Sequence[Lane], scale: Scale) -> str:
    """The picture as an SVG document."""
    height = TOP + len(lanes) * (CAPTION + LANE) + (len(lanes) - 1) * BETWEEN + BOTTOM
    title = "Chunks over time"
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    style = f'role="img" font-family="sans-serif" font-size="12" fill="{INK}"'
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
        top += CAPTION + LANE + BETWEEN
    parts += _time_axis(scale, top - BETWEEN)
    return "\n".join([*parts, "</svg>", ""])


def _legend(lanes: Sequence[Lane]) -> Iterator[str]:
    """Only what is in the picture. Each entry is a sign and its words, with room for both."""
    signs = [
        (_stem(0, 10, 10), "chunk", True),
        (f'<rect x="-6" y="-2" width="12" height="12" fill="{SILENCE}"/>', "longest gap", _any(lanes, "silence")),
        (_line(0, -3, 11, HEAD_COLOUR, "4 2"), "status and headers", _any(lanes, "head")),
        (_line(0, -3, 11, INK), "end", any(lane.timeline.reason and not lane.timeline.error for lane in lanes)),
        (_line(0, -3, 11, ERROR_COLOUR), "end in an error", any(lane.timeline.error for lane in lanes)),
    ]
    x = LEFT + 6
    for sign, words, is_shown in signs:
        if is_shown:
            yield f'<g transform="translate({x} 46)">{sign}<text x="12" y="9">{words}</text></g>'
            x += 12 + 7 * len(words) + 24


def _svg_lane(lane: Lane, scale: Scale, top: int) -> Iterator[str]:
    base = top + CAPTION + LANE
    yield f'<text x="{LEFT}" y="{top + 14}" font-size="13" font-weight="bold">{escape(lane.headline)}</text>'
    yield f'<text x="{LEFT}" y="{top + 31}">{escape(lane.figures)}</text>'
    if lane.silence:
        start, end = map(scale.x, lane.silence)
        yield f'<rect x="{start:.1f}" y="{base - LANE}" width="{end - start:.1f}" height="{LANE}" fill="{SILENCE}"/>'
    for size, words in scale.size_ticks():
        y = base - LANE * size / scale.size
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{FAINT}" stroke-width="0.5"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{words}</text>'
    middle = base - LANE / 2
    yield f'<text transform="translate(16 {middle:.0f}) rotate(-90)" text-anchor="middle">bytes in chunk</text>'
    if lane.head is not None:
        yield _line(scale.x(lane.head), base - LANE, base, HEAD_COLOUR, "4 2")
    if lane.timeline.reason is not None or lane.timeline.error is not None:
        yield _line(scale.x(lane.timeline.total), base - LANE, base, ERROR_COLOUR if lane.timeline.error else INK)
    yield from _marks(lane, scale, base)
    yield f'<path d="M{LEFT} {base}H{WIDTH - RIGHT}" stroke="{INK}"/>'


def _marks(lane: Lane, scale: Scale, base: int) -> Iterator[str]:
    stems = "".join(f"M{column / 2:g} {base}V{base - scale.height(lane.marks[column]):.1f}" for column in lane.marks)
    width = 1.5 if len(lane.marks) <= DOTS else 0.5
    yield f'<path d="{stems}" stroke="{CHUNK}" stroke-width="{width}"/>'
    if len(lane.marks) <= DOTS:
        for column, size in lane.marks.items():
            yield f'<circle cx="{column / 2:g}" cy="{base - scale.height(size):.1f}" r="3" fill="{CHUNK}"/>'


def _stem(x: float, base: float, height: float) -> str:
    return (
        f'<path d="M{x} {base}V{base - height}" stroke="{CHUNK}" stroke-width="1.5"/>'
        f'<circle cx="{x}" cy="{base - height}" r="3" fill="{CHUNK}"/>'
    )


def _line(x: float, top: float, base: float, colour: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<path d="M{x:.1f} {top}V{base}" stroke="{colour}" stroke-width="1.5"{dashed}/>'


def _time_axis(scale: Scale, base: int) -> Iterator[str]:
    for time, words in scale.time_ticks():
        x = scale.x(time)
        yield f'<path d="M{x:.1f} {base}v5" stroke="{INK}"/>'
        yield f'<text x="{x:.1f}" y="{base + 18}" text-anchor="middle">{words}</text>'
    label = scale.time_label
    yield f'<text x="{LEFT + PLOT / 2:.0f}" y="{base + 40}" text-anchor="middle">{label}</text>'


def _number(value: float) -> str:
    return f"{value:,.12g}"


def _short(text: str) -> str:
    printable = "".join(character if character.isprintable() else "?" for character in text)
    return printable if len(printable) <= 40 else f"{printable[:22]}…{printable[-17:]}"


def _any(lanes: Sequence[Lane], name: str) -> bool:
    return any(getattr(lane, name) is not None for lane in lanes)
