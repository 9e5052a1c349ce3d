"""Draws the pictures of docs/explanation/architecture.md: `make pictures`. A test compares them with the code.

The two maps come from the import statements of the packages. The way of a chunk is a list of functions here;
tests/unit/test_architecture_page.py runs an invocation and compares the list with what was called.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from import_graph import ImportGraph  # noqa: E402 - it lies in the folder that the line before names

PLACE = ROOT / "docs" / "explanation"
LAYER = ROOT / "layers" / "streamify" / "lambda_streamify"
EMULATOR = ROOT / "emulator" / "lambda_streamify_emulator"
FONT = 'font-family="system-ui, sans-serif" font-size="13"'
STYLE = (
    "<style>rect{fill:#eef3fb;stroke:#1f5fa8}text{fill:#1b1b1b}path{fill:none;stroke:#7a8794}"
    ".public rect{fill:#fdf3e1;stroke:#b26b00}.note{fill:#5b6570}#head{fill:#7a8794;stroke:none}</style>"
)
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path id="head" d="M0 0 8 4 0 8z"/></marker></defs>'
)
BOX_HEIGHT, ROW, GAP, MARGIN = 30, 76, 56, 16
STEP_HEIGHT = 48

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


@dataclass(frozen=True)
class Box:
    """A box of a map, by its left upper corner."""

    name: str
    x: float
    y: float
    width: float
    is_public: bool = False
    height: float = BOX_HEIGHT
    note: str = ""


def pictures() -> dict[str, str]:
    """Return each picture by its file name."""
    layer = {part: below - {""} for part, below in ImportGraph(LAYER).folders().items() if part and part != "reading"}
    layer["_runtime"].discard("_concurrency")  # the start-up hands over to it; below, all arrows lead downwards
    emulator = ImportGraph(EMULATOR).folders()
    del emulator[""]
    return {
        "layer.svg": import_map(layer, lambda part: not part.startswith("_") or part == "__main__"),
        "emulator.svg": import_map(emulator, lambda part: part in ("__main__", "pytest_plugin", "testing")),
        "chunk.svg": way_of_a_chunk(),
    }


def import_map(graph: dict[str, set[str]], is_public: Callable[[str], bool]) -> str:
    """Draw which part imports which, those that import nothing at the bottom. Implied arrows are left out."""
    depths: dict[str, int] = {}

    def depth(part: str) -> int:
        if part not in depths:
            depths[part] = 1 + max((depth(below) for below in graph[part]), default=-1)
        return depths[part]

    rows: dict[int, list[str]] = {}
    for part in sorted(graph):
        rows.setdefault(depth(part), []).append(part)
    sizes = {part: 22 + 7.6 * len(part) for part in graph}
    lengths = {row: sum(sizes[part] for part in parts) + GAP * (len(parts) - 1) for row, parts in rows.items()}
    width = max(lengths.values()) + 2 * MARGIN
    boxes: dict[str, Box] = {}
    for row, parts in rows.items():
        x = (width - lengths[row]) / 2
        for part in _by_neighbours(parts, graph, boxes):
            boxes[part] = Box(part, x, MARGIN + (max(rows) - row) * ROW, sizes[part], is_public(part))
            x += sizes[part] + GAP
    drawn = [_arrow(boxes[part], boxes[below]) for part in sorted(graph) for below in sorted(_direct(part, graph))]
    drawn += [_box(box) for box in boxes.values()]
    return _svg(width, MARGIN * 2 + max(rows) * ROW + BOX_HEIGHT, drawn)


def _by_neighbours(parts: list[str], graph: dict[str, set[str]], placed: dict[str, Box]) -> list[str]:
    """Put each part above what it imports, so that few arrows cross."""

    def middle(part: str) -> float:
        below = [placed[name].x + placed[name].width / 2 for name in graph[part] if name in placed]
        return sum(below) / len(below) if below else 0.0

    return sorted(parts, key=lambda part: (middle(part), part))


def _direct(part: str, graph: dict[str, set[str]]) -> set[str]:
    """Return what `part` imports and no other import of it implies."""

    def reached(start: str) -> set[str]:
        return {start}.union(*(reached(below) for below in graph[start]))

    return {below for below in graph[part] if not any(below in reached(other) for other in graph[part] - {below})}


def _arrow(above: Box, below: Box) -> str:
    x1, y1, x2, y2 = above.x + above.width / 2, above.y + above.height, below.x + below.width / 2, below.y
    bend = (y2 - y1) / 2
    return (
        f'<path marker-end="url(#arrow)" d="M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + bend:.1f} '
        f'{x2:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"/>'
    )


def _box(box: Box) -> str:
    middle = f'x="{box.x + box.width / 2:.1f}" text-anchor="middle"'
    note = f'<text class="note" {middle} y="{box.y + 38:.1f}">{escape(box.note)}</text>' if box.note else ""
    return (
        f'<g class="{"public" if box.is_public else "private"}">'
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height}" rx="5"/>'
        f'<text {middle} y="{box.y + 20:.1f}">{escape(box.name)}</text>{note}</g>'
    )


def way_of_a_chunk() -> str:
    """Draw the calls from /next to the handler, and those from its chunk to the socket."""
    drawn = []
    for column, (title, steps) in enumerate(
        (("From /next to the handler", TO_THE_HANDLER), ("From the handler to the socket", TO_THE_SOCKET))
    ):
        left = MARGIN + column * 420
        drawn.append(f'<text x="{left}" y="{MARGIN + 12}" font-weight="bold">{title}</text>')
        boxes = [
            Box(f"{module}: {name}", left, MARGIN + 28 + row * ROW, 380, height=STEP_HEIGHT, note=note)
            for row, (module, name, note) in enumerate(steps)
        ]
        drawn += [_arrow(above, below) for above, below in pairwise(boxes)]
        drawn += [_box(box) for box in boxes]
    return _svg(MARGIN * 2 + 800, MARGIN * 2 + len(TO_THE_SOCKET) * ROW, drawn)


def _svg(width: float, height: float, drawn: list[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" {FONT}>'
    ground = f'<path d="M0 0H{width:.0f}V{height:.0f}H0z" style="fill:#fff;stroke:none"/>'
    return "\n".join([head, STYLE, ARROW, ground, *drawn, "</svg>"]) + "\n"


if __name__ == "__main__":
    for name, picture in pictures().items():
        (PLACE / name).write_text(picture)
