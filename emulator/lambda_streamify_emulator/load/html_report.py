"""Completes Locust's HTML report with the figures of streams, which Locust has no place for."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from ..errors import LoadError
from .chart import chart
from .measurement import COMPLETE, FAILURES
from .report import table, warnings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MILLISECOND_US = 1000
NOTE = (
    "Below is Locust's own report. It counts each time of a stream as a separate request, and its charts are about all "
    "of them together."
)
# The title, and for each line the figure and which of its values.
TIMES = {
    "Time to first byte": {"p50": ("first_byte", "p50"), "p99": ("first_byte", "p99")},
    "Time between chunks": {"p50": ("gap", "p50"), "p99": ("gap", "p99"), "longest": ("gap", "max")},
    "Client lag": {"p99": ("client_lag", "p99"), "longest": ("client_lag", "max")},
}


def complete_report(path: Path, figures: Mapping[str, Any], latest: Sequence[Mapping[str, Any]]) -> None:
    """Add a section to the report that Locust has written.

    `figures` are those of the whole test, `latest` those of each second. Raises LoadError if there is no such report.
    """
    try:
        report = path.read_text(encoding="utf-8")
        before, body, after = report.partition("<body>")
        path.write_text(f"{before}{body}\n{section(figures, latest)}\n{after}", encoding="utf-8")
    except OSError as error:
        raise LoadError(f"--html {path}: Locust's report cannot be completed: {error.strerror}") from error


def section(figures: Mapping[str, Any], latest: Sequence[Mapping[str, Any]]) -> str:
    """Return the section as HTML: warnings, the table, and charts over time."""
    text = "\n".join([*(f"Warning: {warning}\n" for warning in warnings(figures)), *table(figures)])
    return "\n".join(
        [
            '<section id="streams" style="padding: 1em; background: #ffffff; color: #1b1b1b">',
            '<h1 style="font: bold 20px sans-serif">Streams</h1>',
            f'<pre style="font-size: 13px; overflow-x: auto">{escape(text)}</pre>',
            *charts(latest),
            f'<p style="font: 13px sans-serif">{NOTE}</p>',
            "</section>",
        ]
    )


def charts(latest: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the charts over time."""
    times: list[float] = []
    for figures in latest:
        times.append((times[-1] if times else 0) + figures["seconds"])
    ended = {
        "complete": [_per_second(figures, (COMPLETE,)) for figures in latest],
        "failed": [_per_second(figures, FAILURES) for figures in latest],
    }
    drawn = [chart("Streams that ended", "per second", times, ended)]
    for title, lines in TIMES.items():
        values = {name: [_milliseconds(figures, *place) for figures in latest] for name, place in lines.items()}
        drawn.append(chart(title, "ms", times, values))
    return drawn


def _per_second(figures: Mapping[str, Any], outcomes: Sequence[str]) -> float:
    number: int = sum(figures["outcomes"][outcome] for outcome in outcomes)
    return number / figures["seconds"] if figures["seconds"] else 0


def _milliseconds(figures: Mapping[str, Any], name: str, value: str) -> float | None:
    spread = figures[name]
    return None if spread is None else spread[value] / MILLISECOND_US
