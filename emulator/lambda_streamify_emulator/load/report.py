"""The figures of a load test as text for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..recordings.timeline import format_duration
from .figures import LAG_LIMIT_US, RATES, TIMES
from .measurement import FAILURES, NOT_STARTED, OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

OPTIONAL_ROWS = ("wait", *RATES)  # not in every test


def progress(figures: Mapping[str, Any]) -> str:
    """Return the figures so far in one line."""
    failed = sum(figures["outcomes"][outcome] for outcome in FAILURES)
    first_byte = (figures["first_byte"] or {}).get("p50")
    return (
        f"{figures['seconds']:4.0f} s  {figures['streams']:,} streams, {failed:,} failed, "
        f"first byte p50 {format_duration(first_byte)}"
    )


def table(figures: Mapping[str, Any]) -> list[str]:
    """Return the figures as a table for people."""
    lines = _rows(figures, TIMES, ("p50", "p95", "p99", "max"), format_duration)
    rates = [name for name in RATES if figures[_key(name)]]
    if rates:
        lines += ["", *_rows(figures, rates, ("p50", "p5", "p1", "min"), lambda rate: f"{rate:,.1f}")]
    return [*lines, "", *_totals(figures), *_failures(figures)]


def warnings(figures: Mapping[str, Any]) -> list[str]:
    """Return what keeps the figures from being trusted, and what to do."""
    found = []
    if not figures["trusted"]:
        found.append(
            f"the client itself was late: client lag p99 is {format_duration(figures['client_lag']['p99'])}, above "
            f"{format_duration(LAG_LIMIT_US)}, so do not trust these times: use --processes, fewer users or another "
            "machine"
        )
    waiting = figures["outcomes"][NOT_STARTED]
    if waiting:
        found.append(
            f"not started: {waiting:,}; no user was free for these requests before the end, and their waiting is in no "
            "figure: the streams end too slowly for this --rate, or --users is too low"
        )
    return found


def _rows(
    figures: Mapping[str, Any], names: Iterable[str], columns: tuple[str, ...], write: Callable[[Any], str]
) -> list[str]:
    shown = [name for name in names if figures[_key(name)] or name not in OPTIONAL_ROWS]
    width = max(12, *(len(_label(name)) for name in shown))
    lines = [" " * width + "".join(f"{column:>12}" for column in columns)]
    for name in shown:
        spread = figures[_key(name)] or {}
        formatted = str if name == "chunks" else write
        cells = [formatted(spread[column]) if column in spread else "-" for column in columns]
        lines.append(f"{_label(name):{width}}" + "".join(f"{cell:>12}" for cell in cells))
    return lines


def _totals(figures: Mapping[str, Any]) -> list[str]:
    counts = [f"{figures['outcomes'][outcome]:,} {outcome}" for outcome in OUTCOMES if figures["outcomes"][outcome]]
    rate = f"{figures['streams_per_second']:,.1f} per second, {figures['bytes']:,} bytes"
    paces = f"{figures['chunks_per_second']:,.1f} chunks per second"
    if figures["records_per_second"]:
        paces += f", {figures['records_per_second']:,.1f} records per second"
    lines = [f"{figures['streams']:,} streams in {figures['seconds']:.1f} s, {rate}", paces, ", ".join(counts)]
    goodput = figures["goodput"]
    if goodput:
        share = 100 * goodput["good"] / goodput["streams"]
        lines.append(
            f"goodput {goodput['good_per_second']:,.1f} per second: {goodput['good']:,} of {goodput['streams']:,} "
            f"streams ({share:.1f} %) within {goodput['slo']}"
        )
        missed = [f"{name} by {number:,}" for name, number in goodput["missed"].items()]
        lines += [f"missed: {', '.join(missed)}"] if missed else []
    return lines


def _failures(figures: Mapping[str, Any]) -> list[str]:
    return [f"{count:>8,}  {reason}" for reason, count in figures["failures"].items()]


def _key(name: str) -> str:
    return name.replace(" ", "_")


def _label(name: str) -> str:
    return name.removeprefix("stream ").replace(" per second", "/s")
