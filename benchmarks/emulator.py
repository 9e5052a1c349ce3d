"""Measures the emulator and the replay: `make bench-emulator`.

docs/explanation/performance.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import signal
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import building
import chart
import emulator_profile
import emulator_streams as streams
import emulators
import large_folders
import large_templates
import noise
import replays
import report
from measures import Row, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = Path(__file__).parent
TIMEOUT_S = 15 * 60  # seconds for everything
REPORT = "emulator-report"


@dataclass(frozen=True)
class Size:
    """How much is asked of each measure."""

    rounds: int
    chunks: int  # whose delay is measured, one each 2 ms
    invocations: int
    streams: int  # at the same time
    bulk: int  # chunks of 64 KiB
    replayed: int  # chunks, a millisecond apart on average
    disturbed: int  # chunks, 10 ms apart, of a stream whose function others ask
    functions: int  # of a large template


FULL = Size(5, chunks=1000, invocations=1000, streams=200, bulk=3200, replayed=10_000, disturbed=300, functions=300)
QUICK = Size(1, chunks=50, invocations=20, streams=10, bulk=160, replayed=200, disturbed=50, functions=10)


def main() -> int:
    """Run what the command line asks for. A missed target is a line of the report, not an error: noise misses some."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of small runs, to see that it works")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="`emulator`, `folders`, `templates` or `replay`, no report"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"where {REPORT}.md and .svg go")
    parser.add_argument("--force", action="store_true", help="keep the report of a busy machine too")
    options = parser.parse_args()
    signal.alarm(TIMEOUT_S)
    bystanders = noise.Bystanders()
    size = QUICK if options.quick else FULL
    with tempfile.TemporaryDirectory(prefix="streamify-bench-") as scratch:
        measures = (measure_emulator, measure_folders, measure_templates, measure_replay)
        chosen = [measure for measure in measures if options.only in measure.__name__]
        rows = [row for measure in chosen for row in measure(Path(scratch), size)]
        profiles = [] if options.only else [emulator_profile.take_profile(Path(scratch), size.invocations)]
    others = bystanders.share()
    busy = {"processor time that other programs took": noise.in_words(others)}
    where = report.conditions("make bench-emulator", size.rounds, **busy)
    text = report.markdown(rows, where, profiles, title="Benchmark report of the emulator", name=REPORT)
    print(report.as_json(rows, where, profiles) if options.json else text)
    output = options.output or (None if options.quick or options.only else HERE)
    refusal = noise.refusal(others, force=options.force)
    if output and refusal:
        note(refusal)
    elif output:
        (output / f"{REPORT}.md").write_text(text)
        (output / f"{REPORT}.svg").write_text(chart.draw(rows))
    return 0


def note(text: str) -> None:
    """Show how far it is."""
    print(text, file=sys.stderr, flush=True)


def row(
    group: str,
    title: str,
    unit: str,
    target: Target,
    values: Sequence[float],
    *,
    peer: str = "",
    theirs: Sequence[float] = (),
) -> Row:
    """The medians over the rounds; a ratio, where there is a peer, is taken within each round."""
    judged = [mine / other for mine, other in zip(values, theirs, strict=True)] if theirs else list(values)
    return Row(
        group,
        title,
        unit,
        target,
        ours=statistics.median(values),
        peer_name=peer,
        peer=statistics.median(theirs) if theirs else None,
        value=statistics.median(judged),
        least=min(judged),
        most=max(judged),
    )


def measure_emulator(scratch: Path, size: Size) -> list[Row]:
    """Streams and invocations through a running emulator."""
    layer, python = building.build_layer(scratch), building.bare_python(scratch)
    delays: dict[str, list[list[float]]] = {"emulator": [], "socket": []}
    rates: dict[str, list[float]] = {"ours": [], "aws": []}
    bulk: list[tuple[float, float]] = []
    with emulators.ours(scratch) as ours, emulators.aws(scratch, layer, python) as aws:
        for turn in range(size.rounds):
            note(f"round {turn + 1} of {size.rounds}: chunks, invocations, 200 MB")
            delays["emulator"].append(streams.delays_ms(ours.urls["stamps"], size.chunks))
            delays["socket"].append(streams.bare_delays_ms(size.chunks))
            rates["ours"].append(streams.invocations_per_second(ours.lambda_api, "value", size.invocations))
            rates["aws"].append(streams.invocations_per_second(aws, "function", size.invocations))
            bulk.append(streams.bulk(ours, size.bulk))
        note(f"{size.streams} streams at the same time")
        crowd = streams.concurrent(ours, size.streams, scratch / "gate")
    everything = f"{size.bulk * 64 / 1024:.0f} MiB without limits"
    whole = f"{size.streams} streams at the same time"
    return [
        *(
            row(
                "chunks",
                f"from `yield` to the client's read, {name}",
                "ms",
                target,
                _each(delays[whose], cut),
            )
            for name, cut, whose, target in (
                ("median", 0.5, "emulator", Target(0.2)),
                ("99th percentile", 0.99, "emulator", Target(0.6)),
                ("median, over a bare socket", 0.5, "socket", Target(None)),
                ("99th percentile, over a bare socket", 0.99, "socket", Target(None)),
            )
        ),
        row(
            "invocations",
            "warm invocations, one after the other",
            "1/s",
            Target(0.9, at_least=True),
            rates["ours"],
            peer="AWS's emulator",
            theirs=rates["aws"],
        ),
        row("large", f"{everything}, speed", "MB/s", Target(None), [speed for speed, _ in bulk]),
        row("large", f"{everything}, growth of the emulator", "MB", Target(None), [growth for _, growth in bulk]),
        row("crowd", f"{whole}: came whole", "streams", Target(size.streams, at_least=True), [crowd.whole]),
        row("crowd", f"{whole}: sandboxes", "processes", Target(size.streams, at_least=True), [crowd.sandboxes]),
        row("crowd", f"{whole}: all have begun after", "s", Target(None), [crowd.begun]),
        row("crowd", f"{whole}: the emulator itself holds", "MB", Target(None), [crowd.resident]),
        row("idle", "an idle sandbox, its process", "MB", Target(None), [crowd.idle]),
        row("idle", "an idle sandbox, the emulator itself", "MB", Target(None), [crowd.kept]),
    ]


def measure_folders(scratch: Path, size: Size) -> list[Row]:
    """A stream while others ask, of a function in a large folder and of one in a small one."""
    gaps: dict[str, list[list[float]]] = {"large": [], "small": []}
    with large_folders.serving(scratch) as (large, small):
        for turn in range(size.rounds):
            note(f"round {turn + 1} of {size.rounds}: streams of functions in large folders")
            gaps["large"].append(large_folders.gaps_ms(large, size.disturbed))
            gaps["small"].append(large_folders.gaps_ms(small, size.disturbed))
    title = "gaps of a 10 ms stream while others ask, 6,000 files beside it, 95th percentile"
    large_gaps, small_gaps = _each(gaps["large"], 0.95), _each(gaps["small"], 0.95)
    return [row("folders", title, "ms", Target(1.1), large_gaps, peer="one file", theirs=small_gaps)]


def measure_templates(scratch: Path, size: Size) -> list[Row]:
    """The start of the emulator with a template of many functions, and of one."""
    counts = (size.functions, 1)
    templates = {count: large_templates.write(scratch / f"template-{count}", count) for count in counts}
    seconds: dict[int, list[float]] = {count: [] for count in counts}
    for count in counts:
        large_templates.ready_s(scratch, templates[count], count)  # fills the caches
    for turn in range(size.rounds):
        note(f"round {turn + 1} of {size.rounds}: starts")
        for count in counts:
            seconds[count].append(large_templates.ready_s(scratch, templates[count], count))
    return [
        row("start", f"ready with a template of {size.functions} functions", "s", Target(2), seconds[size.functions]),
        row("start", "ready with a template of one function", "s", Target(None), seconds[1]),
    ]


def measure_replay(scratch: Path, size: Size) -> list[Row]:
    """A recording replayed at its times, and what the machine alone makes of the same times."""
    recording = scratch / "recording.ndjson"
    replays.write(recording, size.replayed)
    in_turn: list[tuple[str, Callable[[Path], list[float]], Target]] = [
        ("replay", replays.replayed, Target(1)),
        ("bare loop to the same times", replays.bare, Target(None)),
        ("replay, async", replays.replayed_async, Target(1)),
    ]
    once: list[tuple[str, Callable[[Path], list[float]], Target]] = [
        ("loop of time.sleep", replays.slept, Target(None)),
        ("loop of asyncio.sleep", replays.slept_async, Target(None)),
    ]
    late: dict[str, list[list[float]]] = {name: [] for name, _, _ in (*in_turn, *once)}
    for turn in range(size.rounds):
        for name, way, _ in in_turn if turn else (*in_turn, *once):
            note(f"round {turn + 1} of {size.rounds}, {size.replayed} chunks: {name}")
            late[name].append(way(recording))
    return [
        found
        for name, _, target in (*in_turn, *once)
        for found in late_rows(f"{name}, {size.replayed:,} chunks", late[name], target)
    ]


def late_rows(title: str, rounds: list[list[float]], target: Target) -> list[Row]:
    """How late the chunks were, and how much later the last tenth was than the first."""
    return [
        row("replay", f"{title}: late by, median", "ms", Target(None), _each(rounds, 0.5)),
        row("replay", f"{title}: late by, 99th percentile", "ms", target, _each(rounds, 0.99)),
        row("replay", f"{title}: drift", "ms", target, [abs(drift(late)) for late in rounds]),
    ]


def drift(late: Sequence[float]) -> float:
    """How much later the last tenth is than the first; the medians."""
    tenth = max(1, len(late) // 10)
    return statistics.median(late[-tenth:]) - statistics.median(late[:tenth])


def _each(rounds: list[list[float]], cut: float) -> list[float]:
    return [quantile(values, cut) for values in rounds]


def quantile(values: Sequence[float], cut: float) -> float:
    """The value that `cut` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * cut))]


if __name__ == "__main__":
    started = time.monotonic()
    status = main()
    note(f"{time.monotonic() - started:.0f} s")
    sys.exit(status)
