"""The way of a chunk from the generator to the reader: on AWS, under `sam local` and in the emulator."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from .drawing import MARGIN, Box, arrow, box, svg, text

WIDTH, COLUMN, HEIGHT, ROW = 226, 244, 66, 104
HELD = "path.held{stroke:var(--bad);stroke-width:2.5}.held-text{fill:var(--bad)}"


class Step(NamedTuple):
    """A place on the way: its name, two lines about it, and whether chunks leave it one by one."""

    name: str
    notes: tuple[str, str]
    streams: bool = True


GENERATOR = Step("your generator", ("yields a chunk, and waits", "until it has been taken"))
LAYER = Step("the layer's runtime", ("writes each chunk", "before it asks for the next"))
COLLECTING = Step("the layer's runtime", ("collects the chunks:", "RIE keeps responses whole"), streams=False)
READER = Step("the reader", ("fetch, curl, an SDK", "shows each chunk as it comes"))
WAITING_READER = Step("the reader", ("sam local invoke, start-api", "gets everything at the end"))
WAYS = {
    "on AWS": (
        GENERATOR,
        LAYER,
        Step("Lambda's Runtime API", ("in the function's environment", "one POST with a chunked body")),
        Step("the function URL", ("InvokeMode: RESPONSE_STREAM", "HTTPS to the client")),
        READER,
    ),
    "under sam local": (
        GENERATOR,
        COLLECTING,
        Step("RIE's Runtime API", ("AWS's emulator", "in the Docker container"), streams=False),
        Step("the SAM CLI", ("no function URLs", "one response in one piece"), streams=False),
        WAITING_READER,
    ),
    "in streamify serve": (
        GENERATOR,
        LAYER,
        Step("the emulator's Runtime API", ("for a process of this machine", "one POST with a chunked body")),
        Step("its function URL", ("a bounded channel:", "a slow reader stops the body")),
        READER,
    ),
}


def picture() -> str:
    """Draw the three ways beside each other, from top to bottom."""
    drawn = []
    for column, (title, steps) in enumerate(WAYS.items()):
        left = MARGIN + column * COLUMN
        drawn.append(text(left + WIDTH / 2, MARGIN + 12, title, anchor="middle", weight="bold"))
        boxes = [
            Box(step.name, left, MARGIN + 28 + row * ROW, WIDTH, row in (0, 4), HEIGHT, step.notes)
            for row, step in enumerate(steps)
        ]
        for step, (above, below) in zip(steps, pairwise(boxes), strict=False):
            kind, label = ("", "chunk by chunk") if step.streams else ("held", "all at once")
            drawn.append(arrow(above, below, kind))
            drawn.append(text(above.middle + 10, above.bottom + 24, label, "note" if step.streams else "held-text"))
        drawn += [box(one) for one in boxes]
    return svg(MARGIN * 2 + 2 * COLUMN + WIDTH, MARGIN * 2 + 28 + 4 * ROW + HEIGHT, drawn, HELD)
