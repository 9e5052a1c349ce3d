"""The safe order in which the layer is added to a function whose URL is in use."""

from __future__ import annotations

from .drawing import MARGIN, svg, text

# What is done, and what the old and the new URL answer from then on.
STEPS = (
    ("Today", "", "buffered: as always", ""),
    ("1. Add the layer to $LATEST", "layer, wrapper and STREAMIFY_INVOKE_MODE=buffered in one update",
     "buffered: as before", ""),
    ("2. Publish a version that streams", "the same, without STREAMIFY_INVOKE_MODE", "buffered: as before", ""),
    ("3. Create an alias for it, with a URL", "InvokeMode: RESPONSE_STREAM", "buffered: as before", "streams"),
    ("4. Move the clients", "one after the other; back at any time", "buffered: as before", "streams"),
    ("5. Delete the old URL", "when no client calls it", "", "streams"),
)  # fmt: skip
WIDTH, ROW, OLD, NEW, BAR = 740, 62, 456, 618, 148
RULES = (
    ".old{fill:var(--public);stroke:var(--public-edge)}.new{fill:var(--box);stroke:var(--edge)}"
    "path.rule{stroke:var(--line);stroke-opacity:.4}"
)


def picture() -> str:
    """Draw a row for each step, and a bar for each URL as long as it lives."""
    top = MARGIN + 30
    drawn = [
        text(OLD + BAR / 2, MARGIN + 12, "the old URL answers", anchor="middle", weight="bold"),
        text(NEW + BAR / 2 - 32, MARGIN + 12, "the new URL", anchor="middle", weight="bold"),
        _bar("old", OLD, top, [old for *_, old, _ in STEPS]),
        _bar("new", NEW, top, [new for *_, new in STEPS]),
    ]
    for row, (title, note, old, new) in enumerate(STEPS):
        y = top + row * ROW
        drawn.append(f'<path class="rule" d="M{MARGIN} {y}H{WIDTH - MARGIN}"/>')
        drawn += [text(MARGIN, y + 26, title, weight="bold"), text(MARGIN, y + 46, note, "note")]
        drawn += [text(x + 12, y + 36, answer) for x, answer in ((OLD, old), (NEW, new)) if answer]
    return svg(WIDTH, top + len(STEPS) * ROW + MARGIN, drawn, RULES)


def _bar(kind: str, x: int, top: int, answers: list[str]) -> str:
    rows = [row for row, answer in enumerate(answers) if answer]
    first, length = rows[0], len(rows)
    width = BAR if kind == "old" else BAR - 42
    return (
        f'<rect class="{kind}" x="{x}" y="{top + first * ROW + 4}" width="{width}" height="{length * ROW - 8}" rx="5"/>'
    )
