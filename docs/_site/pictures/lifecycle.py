"""An invocation that fails before the first byte of its response, and one that fails after it."""

from __future__ import annotations

from itertools import pairwise

from .drawing import MARGIN, Box, arrow, box, svg, text

WIDTH, COLUMN, HEIGHT, ROW = 340, 372, 66, 92
COLUMNS = {
    "an error before the first byte": (
        ("an invocation comes from /next", "the runtime calls the handler", "nothing has been sent yet"),
        ("the handler, or its first chunk, raises", "any exception", "BadRequest is status 400 instead"),
        ("POST /invocation/ID/error", "type, message and stack trace", "an ordinary error of the function"),
        ("the client of a function URL", "status 502, Internal Server Error", "an SDK: FunctionError"),
        ("the log has the traceback", "Lambda counts an error", "the environment waits for the next /next"),
    ),
    "an error after the first byte": (
        ("an invocation comes from /next", "the runtime calls the handler", "nothing has been sent yet"),
        (
            "POST /invocation/ID/response",
            "status, headers and the first chunk leave",
            "the status cannot change now",
        ),
        ("a later chunk raises", "what was yielded before it", "has been sent"),
        ("error trailers end the response", "Lambda-Runtime-Function-Error-Type", "an SDK: ErrorCode at the end"),
        (
            "the client of a function URL",
            "has status 200, and a body cut short",
            "how AWS ends it is unverified",
        ),
    ),
}


def picture() -> str:
    """Draw both lives beside each other."""
    drawn = []
    for column, (title, steps) in enumerate(COLUMNS.items()):
        left = MARGIN + column * COLUMN
        drawn.append(text(left + WIDTH / 2, MARGIN + 12, title, anchor="middle", weight="bold"))
        boxes = [
            Box(name, left, MARGIN + 28 + row * ROW, WIDTH, "raises" in name, HEIGHT, tuple(notes))
            for row, (name, *notes) in enumerate(steps)
        ]
        drawn += [arrow(above, below) for above, below in pairwise(boxes)]
        drawn += [box(one) for one in boxes]
    return svg(MARGIN * 2 + COLUMN + WIDTH, MARGIN * 2 + 28 + 4 * ROW + HEIGHT, drawn)
