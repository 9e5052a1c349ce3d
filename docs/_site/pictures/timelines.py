"""A stream that nginx passes on, and the same one that it holds: drawn from the recordings in docs/_site/recordings.

recordings/record.py has made them, with deploy/nginx/streaming.conf and with nginx's defaults.
"""

from __future__ import annotations

from pathlib import Path

from lambda_streamify_emulator.recordings.recording_file import reading

from .drawing import MARGIN, svg, text

RECORDINGS = Path(__file__).resolve().parent.parent / "recordings"
PANELS = (
    ("streamed", "nginx with deploy/nginx/streaming.conf", "Each chunk passes at once."),
    ("held", "nginx with its defaults", "Everything comes at the end."),
)
MICROSECONDS = 1_000_000
SECOND, LEFT, WIDTH, PANEL, ROW = 176.0, 130, 720, 176, 64
RULES = (
    ".chunk{fill:var(--edge)}.got{fill:var(--good)}.held .got{fill:var(--bad)}"
    "path.axis{stroke:var(--line)}path.way{stroke:var(--good);stroke-opacity:.55}.held path.way{stroke:var(--bad)}"
)


def picture() -> str:
    """Draw both, one below the other, with one axis of time."""
    drawn = [_panel(row, *panel) for row, panel in enumerate(PANELS)]
    bottom = MARGIN + len(PANELS) * PANEL
    drawn.append(f'<path class="axis" d="M{LEFT} {bottom}H{WIDTH - MARGIN}"/>')
    for second in range(4):
        x = LEFT + second * SECOND
        drawn.append(f'<path class="axis" d="M{x:.0f} {bottom}v6"/>')
        drawn.append(text(x, bottom + 22, f"{second} s", "note", anchor="middle"))
    return svg(WIDTH, bottom + 36, drawn, RULES)


def _panel(row: int, name: str, title: str, result: str) -> str:
    top = MARGIN + row * PANEL
    written, got = top + 56, top + 56 + ROW
    sent, received = _chunks(f"{name}.function"), _chunks(f"{name}.reader")
    parts = [
        text(MARGIN, top + 14, title, weight="bold"),
        text(MARGIN, top + 32, result, "note"),
        text(MARGIN, written + 5, "function writes"),
        text(MARGIN, got + 5, "reader gets"),
        f'<path class="axis" d="M{LEFT} {written}H{WIDTH - MARGIN}M{LEFT} {got}H{WIDTH - MARGIN}"/>',
    ]
    parts += [
        f'<path class="way" d="M{_x(time):.1f} {written}L{_x(arrival):.1f} {got}"/>'
        for time, arrival in _pairs(sent, received)
    ]
    parts += [f'<circle class="chunk" cx="{_x(time):.1f}" cy="{written}" r="5"/>' for time, _ in sent]
    parts += [f'<circle class="got" cx="{_x(time):.1f}" cy="{got}" r="{_radius(size)}"/>' for time, size in received]
    return f'<g class="{name}">{"".join(parts)}</g>'


def _chunks(name: str) -> list[tuple[int, int]]:
    """Return the time and the size of each chunk of a recording."""
    with reading(RECORDINGS / f"{name}.ndjson") as recording:
        return [(event.time, len(event.chunk)) for event in recording if event.chunk is not None]


def _pairs(sent: list[tuple[int, int]], received: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return for each chunk when it was written, and when its last byte was received."""
    pairs, arrivals = [], iter(received)
    written = arrived = arrival = 0
    for time, size in sent:
        written += size
        while arrived < written:
            arrival, got = next(arrivals)
            arrived += got
        pairs.append((time, arrival))
    return pairs


def _radius(size: int) -> int:
    """Return the size of a circle: that of one word, or of many at once."""
    return 5 if size < 100 else 9


def _x(time: int) -> float:
    return LEFT + time / MICROSECONDS * SECOND
