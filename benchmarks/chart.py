"""The report's picture: for each measure, how many times better than its target. SVG for light and for dark pages."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from report import number, target_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measures import Row

WIDTH, LABELS, FIGURES = 1000, 440, 200  # of the picture, of the text at the left and of the text at the right
LINE, TOP, BOTTOM = 24, 64, 20
LEAST, MOST = 0.5, 32.0  # the ends of the scale, which is logarithmic

# The greys are read on white and on black; without a background the picture takes the page's.
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 15px; font-weight: 600 }
  .met { fill: #2da44e } .missed { fill: #cf222e }
  .grid { stroke: #8c959f; stroke-opacity: .35 } .target { stroke: #8c959f; stroke-width: 2 }
  @media (prefers-color-scheme: dark) { text { fill: #b1bac4 } .met { fill: #3fb950 } .missed { fill: #f85149 } }
"""


def draw(rows: Sequence[Row]) -> str:
    """One bar a row, from the line of the target to the right if it is met, to the left if it is missed."""
    drawn = [row for row in rows if row.value is not None and row.target.number is not None]
    height = TOP + LINE * len(drawn) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>How many times better than its target each measure is</title><style>{STYLE}</style>",
        '<text class="title" x="12" y="24">How many times better than its target</text>',
        f'<text x="{WIDTH - 12}" y="24" text-anchor="end">right of the line: met</text>',
        *(_tick(tick, height) for tick in (0.5, 1, 2, 4, 8, 16, 32)),
    ]
    for index, row in enumerate(drawn):
        parts += _bar(row, TOP + LINE * index)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(margin: float) -> float:
    share = math.log(min(max(margin, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return round(LABELS + share * (WIDTH - LABELS - FIGURES), 1)


def _tick(tick: float, height: int) -> str:
    kind, x = "target" if tick == 1 else "grid", _x(tick)
    line = f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{height - BOTTOM}"/>'
    return f'{line}<text x="{x}" y="{TOP - 14}" text-anchor="middle">{tick:g}&#215;</text>'


def _bar(row: Row, y: int) -> list[str]:
    margin = row.target.margin(row.value or 0.0) or 0.0
    kind = "met" if row.target.met(row.value or 0.0) else "missed"
    left, right = sorted((_x(1), _x(margin)))
    width = max(right - left, 1)
    title = f"{row.title}, against {row.peer_name}" if row.peer_name else row.title
    figure = f"{number(row.value or 0.0)}{'' if row.peer_name else ' ' + row.unit} ({target_text(row)})"
    return [
        f'<text x="{LABELS - 10}" y="{y + 15}" text-anchor="end">{escape(title)}</text>',
        f'<rect class="{kind}" x="{left}" y="{y + 4}" width="{width:.1f}" height="{LINE - 9}" rx="2"/>',
        f'<text x="{WIDTH - FIGURES + 14}" y="{y + 15}">{escape(figure)}</text>',
    ]
