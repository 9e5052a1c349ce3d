"""What all pictures share: colors for both schemes, boxes, arrows and text.

A picture is shown as an image, and brings its ground and its colors: those of the scheme that the reader's system has.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

FONT = 'font-family="system-ui, sans-serif" font-size="13"'
LIGHT = {
    "ground": "#ffffff", "ink": "#1b1b1b", "note": "#59636e", "line": "#6e7a86", "box": "#eef3fb", "edge": "#1f5fa8",
    "public": "#fdf3e1", "public-edge": "#9a5b00", "good": "#1a7f37", "bad": "#b42318",
}  # fmt: skip
DARK = {
    "ground": "#1e2129", "ink": "#e6e8ec", "note": "#a9b2bd", "line": "#8b96a3", "box": "#24344d", "edge": "#7fb2f0",
    "public": "#43351b", "public-edge": "#e0a84e", "good": "#5fd07f", "bad": "#ff8a7a",
}  # fmt: skip
RULES = (
    ".ground{fill:var(--ground)}text{fill:var(--ink)}.note{fill:var(--note)}"
    "rect.box{fill:var(--box);stroke:var(--edge)}.public rect.box{fill:var(--public);stroke:var(--public-edge)}"
    "path.arrow{fill:none;stroke:var(--line)}#head{fill:var(--line);fill:context-stroke}"
)
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
    'markerUnits="userSpaceOnUse" orient="auto">'
    '<path id="head" d="M0 0 8 4 0 8z"/></marker></defs>'
)
BOX_HEIGHT, MARGIN = 30, 16


@dataclass(frozen=True)
class Box:
    """A box, by its left upper corner: a name, and below it lines of notes."""

    name: str
    x: float
    y: float
    width: float
    is_public: bool = False
    height: float = BOX_HEIGHT
    notes: tuple[str, ...] = ()

    @property
    def middle(self) -> float:
        """The x of its middle."""
        return self.x + self.width / 2

    @property
    def bottom(self) -> float:
        """The y of its lower edge."""
        return self.y + self.height


def svg(width: float, height: float, drawn: list[str], rules: str = "", font: str = FONT) -> str:
    """Return the picture of these elements."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {font}>'
    dark = f"@media(prefers-color-scheme:dark){{svg{{{_variables(DARK)}}}}}"
    style = f"<style>svg{{{_variables(LIGHT)}}}{dark}{RULES}{rules}</style>"
    ground = f'<rect class="ground" width="{width:.0f}" height="{height:.0f}" rx="6"/>'
    return "\n".join([head, style, ARROW, ground, *drawn, "</svg>"]) + "\n"


def _variables(colors: dict[str, str]) -> str:
    return ";".join(f"--{name}:{color}" for name, color in colors.items())


def text(x: float, y: float, content: str, kind: str = "", *, anchor: str = "", weight: str = "") -> str:
    """Return one line of text."""
    given = {"class": kind, "text-anchor": anchor, "font-weight": weight}
    attributes = "".join(f' {name}="{value}"' for name, value in given.items() if value)
    return f'<text x="{x:.1f}" y="{y:.1f}"{attributes}>{escape(content)}</text>'


def box(box: Box) -> str:
    """Return a box with its texts in the middle."""
    notes = "".join(
        text(box.middle, box.y + 38 + 16 * n, note, "note", anchor="middle") for n, note in enumerate(box.notes)
    )
    return (
        f'<g class="{"public" if box.is_public else "private"}"><rect class="box" x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height}" rx="5"/>'
        f"{text(box.middle, box.y + 20, box.name, anchor='middle')}{notes}</g>"
    )


def arrow(above: Box, below: Box, kind: str = "") -> str:
    """Return an arrow from one box down to another."""
    x1, y1, x2, y2 = above.middle, above.bottom, below.middle, below.y
    bend = (y2 - y1) / 2
    return (
        f'<path class="{f"arrow {kind}".strip()}" marker-end="url(#arrow)" '
        f'd="M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"/>'
    )
