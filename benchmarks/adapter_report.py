"""What the report opens with: the layer against the Lambda Web Adapter. docs/explanation/performance.md does too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from adapter_measures import ONE_CORE, UNPINNED
from observations import CLIENTS
from report import picture_and_table, table, target_text, web_server
from spread import number
from written_table import WrittenTable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from measures import Row

TABLE = WrittenTable("make bench")

NAGLE = (
    "The adapter leaves Nagle's algorithm on towards the Runtime API, and writes a response's head and its first chunk"
    " separately. Where both processes have a core and the first chunk comes within 40 ms of the head, the chunk waits"
    " for the receiver's delayed acknowledgement, which Linux sends after 40 ms. On one core the two writes often leave"
    " together; the last lines above count how often. Later chunks do not wait. The Rust runtime, which the adapter"
    " is built on, connects in the same way. This is the Runtime API of the measurement, a server on loopback; Lambda's"
    " own has not been measured."
)


def opening(rows: Sequence[Row], observations: Sequence[Sequence[str]], name: str) -> list[str]:
    """The body of the report: the adapter first, then the other runtimes."""
    groups = {group: [row for row in rows if row.group == group] for group in (ONE_CORE, UNPINNED)}
    others = [row for row in rows if row.group not in groups]
    lines = ["## Against the Lambda Web Adapter", ""]
    if groups[ONE_CORE]:
        lines += [*TABLE.marked(summary(groups[ONE_CORE])), ""]
        lines += ["![How many times better than the adapter](adapter.svg)", ""]
    if observations:
        header = ["", *CLIENTS]
        lines += [_cells(header), _cells(["---"] * len(header)), *map(_cells, observations), "", NAGLE, ""]
    titles = {ONE_CORE: "Each figure, all processes on one core", UNPINNED: "The same on all cores"}
    for group, found in groups.items():
        lines += [f"### {titles[group]}", "", *table(found), ""] if found else []
    return [*(lines if len(lines) > 2 else []), *_others(others, name)]


def _others(rows: Sequence[Row], name: str) -> list[str]:
    return ["## Beside other runtimes", "", *picture_and_table(rows, name)] if rows else []


def summary(rows: Sequence[Row]) -> list[str]:
    """The rows that have a goal: what changes for who moves from the adapter to the layer."""
    judged = [row for row in rows if row.target.number is not None]
    return [
        "| one core | this layer | the adapter | ours / theirs | goal | met |",
        "| --- | ---: | ---: | ---: | --- | --- |",
        *(_cells(_summed_up(row)) for row in judged),
    ]


def _summed_up(row: Row) -> list[str]:
    server = web_server(row)
    if row.ours is None or row.peer is None or row.value is None:
        return [row.title, "not measured", server, "", target_text(row), "-"]
    ours, theirs = (f"{number(value)} {row.unit}" for value in (row.ours, row.peer))
    met = "yes" if row.target.met(row.value) else "**no**"
    return [row.title, ours, f"{server}: {theirs}", number(row.value), target_text(row), met]


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
