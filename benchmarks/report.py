"""The report in Markdown."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from spread import Spread, number, with_spread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from measures import Row
    from profiles import Profile


def conditions(command: str, rounds: int, **particular: str) -> dict[str, str]:
    """Under what circumstances the figures came about; `particular` are those of one report alone."""
    return {
        "command": command,
        "rounds": str(rounds),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} processors, {_processor()}, {platform.machine()}",
        "kernel": f"{platform.system()} {platform.release().partition('-')[0]}",
        "Python": platform.python_version(),
        **particular,
        "load average before": f"{_LOAD_AT_START[0]:.2f}",
        "load average after": f"{os.getloadavg()[0]:.2f}",
    }


_LOAD_AT_START = os.getloadavg()


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def markdown(
    rows: Sequence[Row],
    where: Mapping[str, str],
    profiles: Sequence[Profile] = (),
    *,
    title: str = "Benchmark report",
    name: str = "report",
    body: Sequence[str] = (),
) -> str:
    """The whole report, whose picture is NAME.svg. What the figures mean stands in docs/explanation/performance.md.

    `body` is what shows the rows, unless one table shows them all.
    """
    judged = [row.target.met(row.value) for row in rows if row.value is not None and row.target.number is not None]
    verdict = (
        f"**{sum(map(bool, judged))} of {len(judged)} targets are met.** A ratio is ours divided by the peer's, taken"
        " within each round; its median, least and most are over all rounds."
    )
    lines = [
        f"# {title}",
        "",
        f"Written by `{where['command']}`; [performance](../docs/explanation/performance.md) explains the figures.",
        "",
        *(f"* {name}: {_code(value) if name == 'command' else value}" for name, value in where.items()),
        "",
        verdict,
        "",
        *(body or picture_and_table(rows, name)),
    ]
    notes = dict.fromkeys(f"* {row.title}: {row.note}." for row in rows if row.note)
    if notes:
        lines += ["", *notes]
    for profile in profiles:
        lines += [
            "",
            f"## {profile.title}",
            "",
            f"{profile.whole}. The largest parts:",
            "",
            "| part | figure |",
            "| --- | ---: |",
        ]
        lines += [f"| {_code(name)} | {figure} |" for name, figure in profile.parts]
    return "\n".join(lines) + "\n"


def picture_and_table(rows: Sequence[Row], name: str) -> list[str]:
    """All rows, below the picture of those with a target."""
    return [f"![How far each measure is from its target]({name}.svg)", "", *table(rows)]


def table(rows: Sequence[Row]) -> list[str]:
    """One line a row; each figure is a median with the least and the most of the rounds."""
    return [
        "| measure | ours | peer | ratio (least to most) | target | met |",
        "| --- | ---: | --- | --- | --- | --- |",
        *map(_line, rows),
    ]


def _line(row: Row) -> str:
    met = None if row.value is None else row.target.met(row.value)
    cells = [
        f"{row.title} ({row.unit})",
        "not measured" if row.ours is None else with_spread(row.ours, row.ours_spread),
        "" if row.peer is None else f"{row.peer_name}: {with_spread(row.peer, row.peer_spread)}",
        _spread(row),
        target_text(row),
        {True: "yes", False: "**no**", None: "-"}[met],
    ]
    return f"| {' | '.join(cells)} |"


def _spread(row: Row) -> str:
    if row.value is None:
        return ""
    if row.least is None or row.most is None:
        return number(row.value) if row.peer_name else ""
    if not row.peer_name:
        return "" if row.ours_spread else f"{number(row.least)} to {number(row.most)}"
    return with_spread(row.value, Spread(row.least, row.most))


def web_server(row: Row) -> str:
    """The part of an adapter's name that says which web server runs behind it."""
    parts = row.peer_name.split(", ")
    return parts[1] if len(parts) > 1 else row.peer_name


def target_text(row: Row) -> str:
    """The target as `≥ 0.7`, with the unit if it is not a ratio."""
    if row.target.number is None:
        return "reported"
    unit = "" if row.peer_name else f" {row.unit}"
    return f"{'≥' if row.target.at_least else '≤'} {number(row.target.number)}{unit}"


def _code(text: str) -> str:
    return f"`{text}`"


def as_json(
    rows: Sequence[Row], where: Mapping[str, str], profiles: Sequence[Profile] = (), **particular: object
) -> str:
    """The same for machines."""
    measured = [dataclasses.asdict(row) for row in rows]
    profiled = [dataclasses.asdict(profile) for profile in profiles]
    return json.dumps({"conditions": where, "rows": measured, "profiles": profiled, **particular}, indent=2)
