"""Draws values over the seconds of a test as an SVG: a line for each name, with gaps where there is no value."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Pixels.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 460, 200, 60, 12, 44, 28
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
COLOURS = ("#1f5fa8", "#b3261e", "#2e7d32")


def chart(title: str, unit: str, times: Sequence[float], series: Mapping[str, Sequence[float | None]]) -> str:
    """Return the chart. `times` are seconds in order; each of `series` has a value for each of them, or None."""
    top = max((value for values in series.values() for value in values if value is not None), default=0) or 1
    end = max(times, default=0) or 1
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" font-family="sans-serif" font-size="11" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="16" font-size="13" font-weight="bold">{escape(title)}, {escape(unit)}</text>',
        *_axes(top, end),
    ]
    for number, (name, values) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<text x="{LEFT + 110 * number}" y="33" fill="{colour}">{escape(name)}</text>')
        points = [
            None if value is None else (LEFT + PLOT_WIDTH * time / end, TOP + PLOT_HEIGHT * (1 - value / top))
            for time, value in zip(times, values, strict=True)
        ]
        parts += _lines(points, colour)
    return "\n".join([*parts, "</svg>"])


def _axes(top: float, end: float) -> Iterator[str]:
    for share in (0, 0.5, 1):
        y = TOP + PLOT_HEIGHT * (1 - share)
        yield f'<path d="M{LEFT} {y:g}H{WIDTH - RIGHT}" stroke="#c9c9c9"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:g}" text-anchor="end">{top * share:,.4g}</text>'
    yield f'<text x="{LEFT}" y="{HEIGHT - 8}">0 s</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 8}" text-anchor="end">{end:,.4g} s</text>'


def _lines(points: Sequence[tuple[float, float] | None], colour: str) -> Iterator[str]:
    path, is_drawing = "", False
    for point in points:
        if point is not None:
            path += f"{'L' if is_drawing else 'M'}{point[0]:.1f} {point[1]:.1f}"
            yield f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="2" fill="{colour}"/>'
        is_drawing = point is not None
    if path:
        yield f'<path d="{path}" stroke="{colour}" stroke-width="1.5" fill="none"/>'
