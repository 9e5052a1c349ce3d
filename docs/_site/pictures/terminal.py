"""`make demo` in a terminal, drawn from docs/_site/recordings/demo.cast, which recordings/record_demo.py has made.

Each line appears as late as it was printed. The picture plays once and stays at its end; a reader who wants no motion,
and a program that knows none, sees the end.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import NamedTuple

from .drawing import svg

CAST = Path(__file__).resolve().parent.parent / "recordings" / "demo.cast"
ROWS, LINE, CHARACTER, PAD, TITLE = 24, 17, 7.25, 14, 34
LONGEST_WAIT = 0.8  # seconds: what takes longer was waiting for a process to start
FONT = 'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12"'
STYLES = {"2": "dim", "36": "name"}
PIECE = re.compile(r"\x1b\[(\d+)m")
RULES = (
    "svg{--ground:#0d1117;--ink:#e6edf3}text{white-space:pre}.dim{fill:#9aa5b1}.name{fill:#6cd4e0}"
    ".bar{fill:#21262d}.dot{fill:#6e7681}@media(prefers-color-scheme:dark){svg{--ground:#0d1117;--ink:#e6edf3}}"
)


class Line(NamedTuple):
    """A line of the terminal: when it was printed, and its text as SVG."""

    time: float
    text: str


def picture() -> str:
    """Draw the terminal."""
    settings, *events = map(json.loads, CAST.read_text(encoding="utf-8").splitlines())
    columns = settings["width"]
    lines = [Line(0.0, f'<tspan class="dim">$ </tspan>{escape(settings["title"])}'), *_lines(events, columns)]
    width, height = columns * CHARACTER + 2 * PAD, TITLE + ROWS * LINE + PAD
    scrolled = max(0, len(lines) - ROWS) * LINE
    texts = [
        f'<text x="{PAD}" y="{TITLE + 13 + row * LINE}" style="animation-delay:{line.time:.2f}s">{line.text}</text>'
        for row, line in enumerate(lines)
    ]
    drawn = [
        f'<path class="bar" d="M0 6a6 6 0 0 1 6-6H{width - 6:.0f}a6 6 0 0 1 6 6V{TITLE - 8}H0z"/>',
        *(f'<circle class="dot" cx="{18 + 18 * n}" cy="13" r="5"/>' for n in range(3)),
        f'<clipPath id="screen"><path d="M0 {TITLE - 4}H{width:.0f}V{height - 6:.0f}H0z"/></clipPath>',
        f'<g clip-path="url(#screen)"><g class="scroll" transform="translate(0 -{scrolled})">',
        *texts,
        "</g></g>",
    ]
    return svg(width, height, drawn, RULES + _motion(lines), FONT)


def _motion(lines: list[Line]) -> str:
    """Return the rules that show each line in its time, and scroll when the window is full."""
    end = lines[-1].time
    steps = [
        f"{100 * line.time / end:.2f}%{{transform:translate(0,-{(row - ROWS + 1) * LINE}px)}}"
        for row, line in enumerate(lines)
        if row >= ROWS
    ]
    return (
        "@media(prefers-reduced-motion:no-preference){@keyframes appear{from{opacity:0}to{opacity:0}}"
        f"@keyframes scroll{{0%{{transform:none}}{''.join(steps)}}}"
        ".scroll text{animation:appear .01s backwards}"
        f".scroll{{animation:scroll {end:.2f}s step-end}}}}"
    )


def _lines(events: list[tuple[float, str, str]], columns: int) -> list[Line]:
    """Return what was printed as lines no longer than the terminal is wide, with long waits cut."""
    lines, time, previous = [], 0.4, events[0][0]
    for printed, _, output in events:
        time += min(printed - previous, LONGEST_WAIT)
        previous = printed
        for row in output.rstrip("\r\n").replace("\t", " ").split("\r\n"):
            lines += [Line(time, piece) for piece in _wrapped(row, columns)]
    return lines


def _wrapped(row: str, columns: int) -> list[str]:
    """Return a printed line as one or more lines of SVG, in the colors that it asks for."""
    rows, left, style = [""], columns, ""
    for number, piece in enumerate(PIECE.split(row)):
        if number % 2:
            style = STYLES.get(piece, "")
            continue
        rest = piece
        while rest:
            if not left:
                rows.append("")
                left = columns
            part, rest = rest[:left], rest[left:]
            left -= len(part)
            rows[-1] += f'<tspan class="{style}">{escape(part)}</tspan>' if style else escape(part)
    return rows
