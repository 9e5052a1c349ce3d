"""The calls on the way of a chunk in the layer. tests/unit/test_architecture_page.py compares the lists with a run."""

from __future__ import annotations

from itertools import pairwise

from .drawing import MARGIN, Box, arrow, box, svg, text

ROW, STEP_HEIGHT, WIDTH, COLUMN = 76, 48, 380, 420

# Module, function, and what it does; in the order in which they are called.
TO_THE_HANDLER = (
    ("_runtime.runtime", "Runtime.run_one", "waits for an invocation"),
    ("_runtime.runtime_api", "RuntimeApi.next", "receives its event from /next"),
    ("_runtime.bootstrap", "handle_event_request", "the function that monitoring tools replace"),
    ("_runtime.invocation", "Invocation.run", "reads the event, calls the handler"),
)
TO_THE_SOCKET = (
    ("_runtime.invocation", "Invocation.deliver_now", "takes what the handler returned"),
    ("_runtime.sending", "send", "iterates the body"),
    ("_runtime.delivery", "Delivery.open", "makes the stream that answers the invocation"),
    ("_wire.response_stream", "ResponseStream.open", "sends status, headers and the first chunk"),
    ("_wire.response_stream", "ResponseStream.write_nowait", "frames and sends each further chunk"),
    ("_runtime.delivery", "Delivery.end", "ends the response"),
)


def picture() -> str:
    """Draw the calls from /next to the handler, and those from its chunk to the socket."""
    drawn = []
    titled = (("From /next to the handler", TO_THE_HANDLER), ("From the handler to the socket", TO_THE_SOCKET))
    for column, (title, steps) in enumerate(titled):
        left = MARGIN + column * COLUMN
        drawn.append(text(left, MARGIN + 12, title, weight="bold"))
        boxes = [
            Box(f"{module}: {name}", left, MARGIN + 28 + row * ROW, WIDTH, height=STEP_HEIGHT, notes=(note,))
            for row, (module, name, note) in enumerate(steps)
        ]
        drawn += [arrow(above, below) for above, below in pairwise(boxes)]
        drawn += [box(one) for one in boxes]
    return svg(MARGIN * 2 + COLUMN + WIDTH, MARGIN * 2 + len(TO_THE_SOCKET) * ROW, drawn)
