"""A sparkline: a stream's chunks over time in one line of text, with its figures in a line below.

·····╎│·│─────────────────────────────────────│· 2.102 s
first byte 0.041 s, last byte 2.093 s, largest gap 2.001 s before chunk 3

Each column stands for an equal share of the time: a dot if nothing arrived, a bar for one chunk, a thicker bar for
several. A dashed bar marks the head of the response. A horizontal line marks the largest gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..recordings.histogram import SLOT_COUNT, column_of
from ..recordings.timeline import format_duration

if TYPE_CHECKING:
    from ..recordings.histogram import Histogram
    from ..recordings.timeline import Timeline

MIN_COLUMNS = 10  # fewer show nothing useful
MAX_COLUMNS = SLOT_COUNT // 2  # the histogram is not exact enough for more
SEVERAL_CHUNKS, MANY_CHUNKS = 2, 10  # in one column


class Glyphs(NamedTuple):
    """The characters that make up a sparkline."""

    silence: str
    gap: str
    head: str
    chunk: str
    several: str
    many: str
    failed: str


UNICODE = Glyphs("·", "─", "╎", "│", "┃", "█", "✗")
ASCII = Glyphs(".", "-", ":", "|", "H", "#", "x")


def sparkline(timeline: Timeline, histogram: Histogram, width: int, glyphs: Glyphs = UNICODE) -> list[str]:
    """Return the lines, none longer than `width`: the sparkline, if there is room for it, and the figures."""
    failed = timeline.error is not None or timeline.reason not in ("end", None)
    ending = (
        f" {glyphs.failed if failed else ''}{'' if timeline.reason else 'cut after '}{format_duration(timeline.total)}"
    )
    columns = min(width - len(ending), MAX_COLUMNS)
    lines = [_columns(timeline, histogram, columns, glyphs) + ending] if columns >= MIN_COLUMNS else []
    return [*lines, _figures(timeline, width)]


def _columns(timeline: Timeline, histogram: Histogram, width: int, glyphs: Glyphs) -> str:
    cells = [glyphs.silence] * width
    before, after = (column_of(time, width, timeline.total) for time in histogram.longest_gap())
    cells[before + 1 : after] = glyphs.gap * (after - before - 1)
    if timeline.first_byte is not None:
        cells[column_of(timeline.first_byte, width, timeline.total)] = glyphs.head
    for column, chunks in histogram.columns(width, timeline.total).items():
        cells[column] = (
            glyphs.chunk if chunks < SEVERAL_CHUNKS else glyphs.several if chunks < MANY_CHUNKS else glyphs.many
        )
    return "".join(cells)


def _figures(timeline: Timeline, width: int) -> str:
    """Return as many figures as fit. A figure is omitted, never cut: 0.71 m is another value than 0.71 ms."""
    first, last = format_duration(timeline.first_byte), format_duration(timeline.last_body_byte)
    if timeline.first_byte is None:
        texts = ["no byte came"]
    elif timeline.last_body_byte is None:
        texts = [f"first byte {first}, no body", f"first {first}"]
    elif timeline.gaps is None:
        texts = [f"first byte {first}, last byte {last}, no gaps", f"first {first}, last {last}", f"first {first}"]
    else:
        gap, number = format_duration(timeline.gaps.max), timeline.gaps.max_before
        figures = f"first byte {first}, last byte {last}, largest gap {gap}"
        texts = [f"{figures} before chunk {number:,}", figures, f"first {first}, last {last}, gap {gap}"]
        texts += [f"first {first}, last {last}", f"first {first}"]
    return next((text for text in texts if len(text) <= width), "")
