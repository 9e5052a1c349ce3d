"""The chunks of a stream over time, in a line of text, and a line of figures below it.

·····╎│·│─────────────────────────────────────│· 2.102 s
first byte 0.041 s, last byte 2.093 s, largest gap 2.001 s before chunk 3

Each column is a part of the time: a dot if nothing came, a bar for a chunk, a thicker one for several. Before the first
chunk, a broken bar is the head of the response. The largest gap is a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..recordings.marks import SLOTS, column_of
from ..recordings.timeline import in_words

if TYPE_CHECKING:
    from ..recordings.marks import Marks
    from ..recordings.timeline import Timeline

LEAST = 10  # columns, under which a picture says nothing
MOST = SLOTS // 2  # which the marks are exact enough for
SEVERAL, MANY = 2, 10  # chunks in one column


class Signs(NamedTuple):
    """The characters of a strip."""

    silence: str
    gap: str
    head: str
    chunk: str
    several: str
    many: str
    failed: str


UNICODE = Signs("·", "─", "╎", "│", "┃", "█", "✗")
ASCII = Signs(".", "-", ":", "|", "H", "#", "x")


def strip(timeline: Timeline, marks: Marks, width: int, signs: Signs = UNICODE) -> list[str]:
    """The lines, none longer than `width`."""
    failed = timeline.error is not None or timeline.reason not in ("end", None)
    ending = f" {signs.failed if failed else ''}{'' if timeline.reason else 'cut after '}{in_words(timeline.total)}"
    columns = min(width - len(ending), MOST)
    lines = [_picture(timeline, marks, columns, signs) + ending] if columns >= LEAST else []
    return [*lines, _figures(timeline, width)]


def _picture(timeline: Timeline, marks: Marks, width: int, signs: Signs) -> str:
    cells = [signs.silence] * width
    before, after = (column_of(time, width, timeline.total) for time in marks.longest_gap())
    cells[before + 1 : after] = signs.gap * (after - before - 1)
    if timeline.first_byte is not None:
        cells[column_of(timeline.first_byte, width, timeline.total)] = signs.head
    for column, chunks in marks.columns(width, timeline.total).items():
        cells[column] = signs.chunk if chunks < SEVERAL else signs.several if chunks < MANY else signs.many
    return "".join(cells)


def _figures(timeline: Timeline, width: int) -> str:
    """As much as there is room for. A figure is left out, not cut: 0.71 m would be another one than 0.71 ms."""
    first, last = in_words(timeline.first_byte), in_words(timeline.last_body_byte)
    if timeline.first_byte is None:
        texts = ["no byte came"]
    elif timeline.last_body_byte is None:
        texts = [f"first byte {first}, no body", f"first {first}"]
    elif timeline.gaps is None:
        texts = [f"first byte {first}, last byte {last}, no gaps", f"first {first}, last {last}", f"first {first}"]
    else:
        gap, number = in_words(timeline.gaps.max), timeline.gaps.max_before
        figures = f"first byte {first}, last byte {last}, largest gap {gap}"
        texts = [f"{figures} before chunk {number:,}", figures, f"first {first}, last {last}, gap {gap}"]
        texts += [f"first {first}, last {last}", f"first {first}"]
    return next((text for text in texts if len(text) <= width), "")
