"""Measures several invocations at a time in one execution environment: `make bench-concurrency`.

benchmarks/README.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import building
import chart
import concurrency_report
import noise
import peers
import report
from concurrency_clients import PROCESS_EACH, make_lineup
from concurrency_measures import JOBS, MEASURES
from measures import Row
from run import give_up, in_turn, note
from sampling import MeasurementError, take_sample

if TYPE_CHECKING:
    from clients import Client
    from lineup import Lineup
    from measures import Job, Measure
    from sampling import Sample

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "guides" / "concurrency.md"
ROUNDS = 3
BUDGET_S = 5 * 60  # seconds for all rounds, after which no other one begins; a round takes two minutes
TIMEOUT_S = 15 * 60  # seconds, after which the run fails
QUICK_AT_MOST = 16  # invocations at a time
PROCESS_MB = 12  # at most, of either runtime; for what a machine can hold


@dataclass
class Run:
    """What has been seen."""

    figures: dict[Job, list[list[Sample]]]
    failed: dict[Job, str] = field(default_factory=dict)
    rounds: int = 0
    others: float = 0.0


def main() -> int:
    """Run what the command line asks for. A missed target is a line of the report, not an error: noise misses some."""
    options = parse_arguments()
    sys.dont_write_bytecode = True  # a handler's would be found by the clients that run it
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(TIMEOUT_S)
    with tempfile.TemporaryDirectory(prefix="streamify-bench-") as scratch:
        server = building.build_program(Path(scratch), "server")
        lineup = make_lineup(Path(scratch), building.build_layer(Path(scratch)))
        run = measure(server, lineup, options)
    rows = [row_of(one, run, lineup) for one in MEASURES if was_asked(one, run, lineup)]
    where = report.conditions(
        "make bench-concurrency",
        run.rounds,
        peers=", ".join([*peers.pins(), *peers.pins("bench-apps"), *peers.pins("bench-uvicorn-standard")]),
        **{"processor time that other programs took": noise.in_words(run.others)},
    )
    text = report.markdown(
        rows,
        where,
        title="Benchmark report of several invocations at a time",
        name=concurrency_report.NAME,
        body=concurrency_report.body(rows, run.figures, run.failed),
    )
    print(report.as_json(rows, where) if options.json else text)
    keep(text, rows, run, options)
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line. A smoke run does not replace the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of small runs, to see that it works")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"{ROUNDS} unless told")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help=f"where {concurrency_report.NAME}.md and its picture go"
    )
    parser.add_argument("--force", action="store_true", help="keep the report of a busy machine too")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    elif options.output is None:
        options.output = HERE
    return options


def measure(server: Path, lineup: Lineup, options: argparse.Namespace) -> Run:
    """All rounds. In each of them another client begins."""
    jobs = [job for job in JOBS if job[0] in lineup.clients and not (options.quick and is_large(job))]
    run = Run({job: [] for job in jobs})
    started, bystanders = time.monotonic(), noise.Bystanders()
    while run.rounds < options.rounds and time.monotonic() - started < BUDGET_S:
        for job in in_turn(jobs, run.rounds):
            name, workload = job
            cores = "one core" if workload.pinned else "two cores"
            seconds = time.monotonic() - started
            note(f"round {run.rounds + 1} of {options.rounds}, {seconds:.0f} s: {workload.name}, {cores}, {name}")
            if job not in run.failed:
                take(server, lineup.clients[name], job, run, quick=options.quick)
        run.rounds += 1
    run.others = bystanders.share()
    return run


def is_large(job: Job) -> bool:
    """Whether a smoke run leaves it out."""
    return job[1].at_a_time > QUICK_AT_MOST or not job[1].pinned


def take(server: Path, client: Client, job: Job, run: Run, *, quick: bool) -> None:
    """Add a sample. If so many processes are too much for this machine, the run notes it and goes on."""
    name, workload = job
    reason = lack_of_memory(workload.at_a_time) if name in PROCESS_EACH else None
    if reason is None:
        try:
            run.figures[job].append([take_sample(server, client, workload.smaller() if quick else workload)])
        except MeasurementError as error:
            if name not in PROCESS_EACH or "took too long" not in str(error):
                raise
            reason = f"{name} with {workload.at_a_time} processes did not end in time here"
    if reason:
        run.failed[job] = reason


def lack_of_memory(processes: int) -> str | None:
    """Why this machine cannot hold so many processes; None if it can."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    available = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) // 1024
    wanted = processes * PROCESS_MB
    if wanted <= available:
        return None
    return f"{processes} processes may take {wanted:,} MB, and this machine has {available:,} MB available"


def was_asked(one: Measure, run: Run, lineup: Lineup) -> bool:
    """Whether both clients of it ran, were to run, or are missing here."""
    return all(job in run.figures or job[0] in lineup.missing for job in one.jobs)


def row_of(one: Measure, run: Run, lineup: Lineup) -> Row:
    """A line of the report, which may say why there is no figure."""
    for job in one.jobs:
        if job in run.failed:
            peer = one.peer[0] if one.peer else ""
            return Row(
                one.group, one.title, one.unit, one.target, peer_name=peer, note=f"not measured: {run.failed[job]}"
            )
    return one.row(run.figures, lineup.missing)


def keep(text: str, rows: list[Row], run: Run, options: argparse.Namespace) -> None:
    """Write the report where it is asked for, unless other programs were in the way."""
    if options.output is None:
        return
    refusal = noise.refusal(run.others, force=options.force)
    if refusal:
        print(refusal, file=sys.stderr)
        return
    (options.output / f"{concurrency_report.NAME}.md").write_text(text)
    (options.output / f"{concurrency_report.NAME}.svg").write_text(chart.draw(rows))
    if options.output == HERE:
        lines = concurrency_report.summary(run.figures, run.failed)
        PAGE.write_text(concurrency_report.TABLE.written_into(PAGE.read_text(), lines))


if __name__ == "__main__":
    os.chdir(HERE.parent)
    begun = time.monotonic()
    status = main()
    note(f"{time.monotonic() - begun:.0f} s\n")
    sys.exit(status)
