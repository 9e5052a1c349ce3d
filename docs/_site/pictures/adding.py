"""The safe order in which the layer is added to a function whose URL is in use."""

from __future__ import annotations

from .drawing import MARGIN, svg, text

# What is done, and what the old and the new URL answer from then on: the steps of `streamify attach --via alias`.
STEPS = (
    ("Today", "the URL belongs to an alias, live", "buffered", ""),
    ("1. Add the layer and its wrapper", "to $LATEST, in one update; live stays on its version", "buffered", ""),
    ("2. Publish a version, with an alias", "named streaming", "buffered", ""),
    ("3. Give the alias a URL of its own", "InvokeMode: RESPONSE_STREAM", "buffered", "streams"),
    ("4. Protect the next version of live", "STREAMIFY_INVOKE_MODE=buffered on $LATEST", "buffered", "streams"),
    ("5. Move the clients", "one after the other, and back at any time", "buffered", "streams"),
    ("6. Delete the old URL", "when no client calls it", "", "streams"),
)
WIDTH, ROW, OLD, NEW, BAR = 740, 60, 440, 590, 130
RULES = (
    ".old{fill:var(--public);stroke:var(--public-edge)}.new{fill:var(--box);stroke:var(--edge)}"
    "path.rule{stroke:var(--line);stroke-opacity:.4}"
)


def picture() -> str:
    """Draw a row for each step, and a bar for each URL as long as it lives."""
    top = MARGIN + 30
    drawn = [
        text(OLD + BAR / 2, MARGIN + 12, "the old URL", anchor="middle", weight="bold"),
        text(NEW + BAR / 2, MARGIN + 12, "the new URL", anchor="middle", weight="bold"),
        _bar("old", OLD, top, [old for *_, old, _ in STEPS]),
        _bar("new", NEW, top, [new for *_, new in STEPS]),
    ]
    for row, (title, note, old, new) in enumerate(STEPS):
        y = top + row * ROW
        drawn.append(f'<path class="rule" d="M{MARGIN} {y}H{WIDTH - MARGIN}"/>')
        drawn += [text(MARGIN, y + 26, title, weight="bold"), text(MARGIN, y + 46, note, "note")]
        drawn += [
            text(x + BAR / 2, y + 36, answer, anchor="middle") for x, answer in ((OLD, old), (NEW, new)) if answer
        ]
    return svg(WIDTH, top + len(STEPS) * ROW + MARGIN, drawn, RULES)


def _bar(kind: str, x: int, top: int, answers: list[str]) -> str:
    rows = [row for row, answer in enumerate(answers) if answer]
    first, length = rows[0], len(rows)
    return (
        f'<rect class="{kind}" x="{x}" y="{top + first * ROW + 4}" width="{BAR}" height="{length * ROW - 8}" rx="5"/>'
    )
