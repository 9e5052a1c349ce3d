"""The report of several invocations at a time. docs/guides/concurrency.md shows its first table too."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from concurrency_clients import AT_A_TIME, CLIENTS, WAITING
from concurrency_measures import ONE_CORE, OVERVIEW, SUMMARY, TWO_CORES
from report import table
from spread import number
from written_table import WrittenTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from measures import Figure, Figures, Job, Row

NAME = "concurrency-report"
TABLE = WrittenTable("make bench-concurrency")

_DELAYS = (
    "awslambdaric answers when the last chunk is made, so its chunks wait for the end of the stream. The adapter's"
    " first chunk often waits 40 ms for an acknowledgement, since the adapter leaves Nagle's algorithm on. One of 25"
    " chunks is the first, so the 99th percentile shows this wait, and the median does not."
    " [Performance](../docs/explanation/performance.md) says more."
)


def body(rows: Sequence[Row], figures: Figures, failed: Mapping[Job, str]) -> list[str]:
    """The report below its conditions."""
    lines = ["## What it costs", "", *TABLE.marked(summary(figures, failed)), "", _DELAYS, ""]
    for title, pinned in (("All processes on one core", True), ("On two cores", False)):
        told = overview(figures, failed, OVERVIEW, pinned=pinned)
        lines += [f"## {title}", "", *told, ""] if told else []
    lines += ["## One beside the other", "", f"![How far each measure is from its target]({NAME}.svg)"]
    for group in (ONE_CORE, TWO_CORES):
        found = [row for row in rows if row.group == group]
        lines += ["", f"### {group.capitalize()}", "", *table(found)] if found else []
    return lines


def summary(figures: Figures, failed: Mapping[Job, str]) -> list[str]:
    """What the guide shows: all processes on one core."""
    return overview(figures, failed, SUMMARY, pinned=True)


def overview(
    figures: Figures, failed: Mapping[Job, str], chosen: Sequence[tuple[str, Figure]], *, pinned: bool
) -> list[str]:
    """The medians over the rounds; a column for each client. Empty if nothing ran."""
    ran = {client for client, workload in (*figures, *failed) if workload.pinned == pinned}
    clients = [client for client in CLIENTS if client in ran]
    header = [["at a time", "", *clients], ["---:", "---", *["---:"] * len(clients)]]
    rows = _overview(clients, figures, failed, chosen, pinned=pinned)
    return [_cells(cells) for cells in (*header, *rows)] if clients else []


def _overview(
    clients: Sequence[str],
    figures: Figures,
    failed: Mapping[Job, str],
    chosen: Sequence[tuple[str, Figure]],
    *,
    pinned: bool,
) -> Iterator[list[str]]:
    for at_a_time in AT_A_TIME:
        jobs = {client: _job(client, at_a_time, figures, failed, pinned=pinned) for client in clients}
        if not any(jobs.values()):
            continue
        for title, figure in chosen:
            values = []
            for job in jobs.values():
                rounds = figures.get(job, []) if job and job not in failed else []
                measured = [figure(sample) for samples in rounds for sample in samples]
                values.append(number(statistics.median(measured)) if measured else "not measured")
            yield [str(at_a_time), title, *values]


def _job(client: str, at_a_time: int, figures: Figures, failed: Mapping[Job, str], *, pinned: bool) -> Job | None:
    """What is named by these, if it was to run."""
    name = WAITING[at_a_time].name
    found = (job for job in (*figures, *failed) if (job[0], job[1].name, job[1].pinned) == (client, name, pinned))
    return next(found, None)


def _cells(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
