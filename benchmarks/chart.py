"""The report's pictures: how many times better each measure is than its target, or than a peer.

They are SVG, for light and for dark pages.
"""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from report import target_text, web_server
from spread import number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    return _picture("How many times better than its target", "right of the line: met", drawn, _beside_target)


def draw_against(rows: Sequence[Row], peer: str) -> str:
    """One bar a row, from the line of the peer to the right if ours is better, to the left if it is worse."""
    drawn = [row for row in rows if row.value is not None and row.target.number is not None]
    title = f"How many times better than {peer}"
    return _picture(title, "right of the line: better; figures: ours, theirs", drawn, _beside_peer)


class _Bar(NamedTuple):
    title: str
    times: float  # better
    figure: str


def _beside_target(row: Row) -> _Bar:
    title = f"{row.title}, against {row.peer_name}" if row.peer_name else row.title
    figure = f"{number(row.value or 0.0)}{'' if row.peer_name else ' ' + row.unit} ({target_text(row)})"
    return _Bar(title, row.target.margin(row.value or 0.0) or 0.0, figure)


def _beside_peer(row: Row) -> _Bar:
    ratio = row.value or 0.0
    better = ratio if row.target.at_least else 1 / max(ratio, 1 / MOST)
    return _Bar(
        f"{row.title} ({web_server(row)})", better, f"{number(row.ours or 0.0)}, {number(row.peer or 0.0)} {row.unit}"
    )


def _picture(title: str, legend: str, drawn: Sequence[Row], reading: Callable[[Row], _Bar]) -> str:
    height = TOP + LINE * max(len(drawn), 1) + BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<text class="title" x="12" y="24">{escape(title)}</text>',
        f'<text x="{WIDTH - 12}" y="24" text-anchor="end">{escape(legend)}</text>',
        *(_tick(tick, height) for tick in (0.5, 1, 2, 4, 8, 16, 32)),
    ]
    for index, row in enumerate(drawn):
        parts += _drawn(reading(row), TOP + LINE * index)
    if not drawn:
        parts.append(f'<text x="12" y="{TOP + 15}">not measured yet</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _x(margin: float) -> float:
    share = math.log(min(max(margin, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return round(LABELS + share * (WIDTH - LABELS - FIGURES), 1)


def _tick(tick: float, height: int) -> str:
    kind, x = "target" if tick == 1 else "grid", _x(tick)
    line = f'<line class="{kind}" x1="{x}" x2="{x}" y1="{TOP - 8}" y2="{height - BOTTOM}"/>'
    return f'{line}<text x="{x}" y="{TOP - 14}" text-anchor="middle">{tick:g}&#215;</text>'


def _drawn(bar: _Bar, y: int) -> list[str]:
    kind = "met" if bar.times >= 1 else "missed"
    left, right = sorted((_x(1), _x(bar.times)))
    width = max(right - left, 1)
    return [
        f'<text x="{LABELS - 10}" y="{y + 15}" text-anchor="end">{escape(bar.title)}</text>',
        f'<rect class="{kind}" x="{left}" y="{y + 4}" width="{width:.1f}" height="{LINE - 9}" rx="2"/>',
        f'<text x="{WIDTH - FIGURES + 14}" y="{y + 15}">{escape(bar.figure)}</text>',
    ]
