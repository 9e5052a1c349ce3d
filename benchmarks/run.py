"""Measures the built layer beside its peers: `make bench`.

docs/explanation/performance.md says what the figures mean.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import building
import chart
import peers
import report
from clients import AWS_NODE, make_clients
from measures import MEASURES, Job, Measure, Row, size_rows
from profiles import take_profiles
from sampling import Sample, take_sample

HERE = Path(__file__).parent
TIMEOUT_S = 30 * 60  # seconds for everything, the first installation of the peers included


def main() -> int:
    """Run what the command line asks for. A missed target is a line of the report, not an error: noise misses some."""
    options = parse_arguments()
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(TIMEOUT_S)
    sys.dont_write_bytecode = True  # a handler's would be found by the clients that run it
    chosen = [
        measure for measure in MEASURES if not options.only or options.only in f"{measure.group}: {measure.title}"
    ]
    if not chosen:
        print(f"no measure has {options.only!r} in its name", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="streamify-bench-") as scratch:
        layer = building.build_layer(Path(scratch))
        rows, missing = measure_all(Path(scratch), layer, chosen, options)
        profiles = [] if options.only else take_profiles(layer, building.bare_python(Path(scratch)))
    node = "not measured" if AWS_NODE in missing else peers.node_version()
    command = " ".join(["benchmarks/run.py", *sys.argv[1:]]) if sys.argv[1:] else "make bench"
    where = report.conditions(
        command,
        options.rounds,
        processors="the last one for the measuring server, the first one for the client",
        **{"Node.js": node, "peers": ", ".join(peers.pins())},
    )
    text = report.markdown(rows, where, profiles)
    print(report.as_json(rows, where, profiles) if options.json else text)
    if options.output:
        (options.output / "report.md").write_text(text)
        (options.output / "report.svg").write_text(chart.draw(rows))
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line. A smoke run, or one of some measures only, does not replace the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of small runs, to see that it works")
    parser.add_argument("--only", metavar="NAME", help="only the measures with NAME in their group or title")
    parser.add_argument("--rounds", type=int, default=7, help="7 unless told")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where report.md and report.svg go")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    elif not options.only and options.output is None:
        options.output = HERE
    return options


def measure_all(
    scratch: Path, layer: Path, chosen: list[Measure], options: argparse.Namespace
) -> tuple[list[Row], dict[str, str]]:
    """The rows of the report, and why some peers are missing."""
    clients, missing = make_clients(scratch, layer)
    server = building.build_program(scratch, "server")
    jobs = {job: None for measure in chosen for job in measure.jobs if job[0] in clients}
    figures: dict[Job, list[list[Sample]]] = {job: [] for job in jobs}
    started = time.monotonic()
    for turn in range(options.rounds):
        for job in in_turn(list(jobs), turn):
            name, workload = job
            note(f"round {turn + 1} of {options.rounds}, {time.monotonic() - started:.0f} s: {workload.name}, {name}")
            asked = workload.smaller() if options.quick else workload
            figures[job].append([take_sample(server, clients[name], asked) for _ in range(asked.runs)])
    rows = [measure.row(figures, missing) for measure in chosen]
    if not options.only:
        sources_kb, whole_kb = (building.zipped_kb(layer, bytecode=shipped) for shipped in (False, True))
        start_kb = building.zipped_start_kb(layer, building.bare_python(scratch))
        rows += size_rows(sources_kb, start_kb, whole_kb, building.pythons_with_bytecode(layer))
    return rows, missing


def in_turn(jobs: list[Job], turn: int) -> list[Job]:
    """All jobs, those of one workload side by side; in each round another client begins."""
    found = []
    for name in dict.fromkeys(workload.name for _, workload in jobs):
        alike = [job for job in jobs if job[1].name == name]
        start = turn % len(alike)
        found += alike[start:] + alike[:start]
    return found


def note(text: str) -> None:
    """Progress: one line that is overwritten on a terminal."""
    print(f"\r\x1b[K{text}" if sys.stderr.isatty() else text, end="" if sys.stderr.isatty() else "\n", file=sys.stderr)


def give_up(_signal: int, _frame: object) -> None:
    """Nothing may run for ever; a measuring server that is left over ends by its own alarm."""
    raise TimeoutError(f"not done after {TIMEOUT_S} seconds")


if __name__ == "__main__":
    os.chdir(HERE.parent)
    sys.exit(main())
