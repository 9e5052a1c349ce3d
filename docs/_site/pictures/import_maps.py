"""Which part of a package imports which, from its import statements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from import_graph import ImportGraph

from .drawing import BOX_HEIGHT, MARGIN, Box, arrow, box, svg

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[3]
LAYER = ROOT / "layers" / "streamify" / "lambda_streamify"
EMULATOR = ROOT / "emulator" / "lambda_streamify_emulator"
ROW, GAP = 76, 56


def layer() -> str:
    """Draw the parts of the layer."""
    parts = {part: below - {""} for part, below in ImportGraph(LAYER).folders().items() if part and part != "reading"}
    parts["_runtime"].discard("_concurrency")  # the start-up calls it; in the picture, all arrows lead downwards
    return import_map(parts, lambda part: not part.startswith("_") or part == "__main__")


def emulator() -> str:
    """Draw the folders of the emulator."""
    folders = ImportGraph(EMULATOR).folders()
    del folders[""]
    return import_map(folders, lambda part: part in ("__main__", "pytest_plugin", "testing"))


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
    drawn = [arrow(boxes[part], boxes[below]) for part in sorted(graph) for below in sorted(_direct(part, graph))]
    drawn += [box(one) for one in boxes.values()]
    return svg(width, MARGIN * 2 + max(rows) * ROW + BOX_HEIGHT, drawn)


def _by_neighbours(parts: list[str], graph: dict[str, set[str]], placed: dict[str, Box]) -> list[str]:
    """Put each part above what it imports, so that few arrows cross."""

    def middle(part: str) -> float:
        below = [placed[name].middle for name in graph[part] if name in placed]
        return sum(below) / len(below) if below else 0.0

    return sorted(parts, key=lambda part: (middle(part), part))


def _direct(part: str, graph: dict[str, set[str]]) -> set[str]:
    """Return what `part` imports and no other import of it implies."""

    def reached(start: str) -> set[str]:
        return {start}.union(*(reached(below) for below in graph[start]))

    return {below for below in graph[part] if not any(below in reached(other) for other in graph[part] - {below})}
