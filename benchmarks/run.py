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
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import adapter_report
import building
import chart
import node
import noise
import peers
import report
from adapter_measures import ADAPTER, ONE_CORE, UNPINNED
from lineup import Lineup, make_lineup
from observations import GROUP, OBSERVATIONS, Observation
from profiles import take_profiles
from runtime_measures import RUNTIMES, size_rows
from sampling import take_sample

if TYPE_CHECKING:
    from measures import Figures, Job, Measure, Row

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "explanation" / "performance.md"
BUDGET_S = 20 * 60  # seconds for all rounds, after which no other one begins
TIMEOUT_S = 40 * 60  # seconds, after which the run fails; what an installation of peers may take is bounded in `peers`
ROUNDS = 7


@dataclass
class Run:
    """What is to be measured, and what has been."""

    measures: list[Measure]
    observations: list[Observation]
    rows: list[Row]
    words: list[list[str]]
    rounds: int = 0
    others: float = 0.0


def main() -> int:
    """Run what the command line asks for. A missed target is a line of the report, not an error: noise misses some."""
    options = parse_arguments()
    sys.dont_write_bytecode = True  # a handler's would be found by the clients that run it
    run = Run(
        [measure for measure in [*ADAPTER, *RUNTIMES] if options.only in f"{measure.group}: {measure.title}"],
        [observation for observation in OBSERVATIONS if options.only in f"{GROUP}: {observation.title}"],
        [],
        [],
    )
    if options.quick:  # how the processes share the cores changes nothing in how they are measured
        run.measures = [measure for measure in run.measures if measure.group != UNPINNED]
        run.observations = [observation for observation in run.observations if observation.workload.pinned]
    if not run.measures and not run.observations:
        print(f"no measure has {options.only!r} in its name", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="streamify-bench-") as scratch:
        layer = building.build_layer(Path(scratch))
        lineup = make_lineup(Path(scratch), layer, build=not options.quick)
        measure_all(Path(scratch), lineup, run, options)
        if not options.only:
            run.rows += sizes(Path(scratch), layer)
        profiles = [] if options.only else take_profiles(layer, building.bare_python(Path(scratch)))
    where = conditions(run, lineup)
    text = report.markdown(run.rows, where, profiles, body=adapter_report.opening(run.rows, run.words, "report"))
    print(report.as_json(run.rows, where, profiles, side_by_side=run.words) if options.json else text)
    keep(text, run, options)
    return 0


def parse_arguments() -> argparse.Namespace:
    """The command line. A smoke run, or one of some measures only, does not replace the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of small runs, to see that it works")
    parser.add_argument(
        "--only", default="", metavar="NAME", help="only the measures with NAME in their group or title"
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"{ROUNDS} unless told")
    parser.add_argument("--json", action="store_true", help="print JSON instead of Markdown")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where report.md and its pictures go")
    parser.add_argument("--force", action="store_true", help="keep the report of a busy machine too")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 1
    elif not options.only and options.output is None:
        options.output = HERE
    return options


def measure_all(scratch: Path, lineup: Lineup, run: Run, options: argparse.Namespace) -> None:
    """Fill in what the run has seen."""
    server = building.build_program(scratch, "server")
    wanted = [one.jobs for one in run.measures] + [one.jobs for one in run.observations]
    jobs = dict.fromkeys(job for several in wanted for job in several if job[0] in lineup.clients)
    figures: Figures = {job: [] for job in jobs}
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(TIMEOUT_S)
    started, bystanders = time.monotonic(), noise.Bystanders()
    while run.rounds < options.rounds and time.monotonic() - started < BUDGET_S:
        turn = run.rounds
        for job in in_turn(list(jobs), turn):
            name, workload = job
            note(f"round {turn + 1} of {options.rounds}, {time.monotonic() - started:.0f} s: {workload.name}, {name}")
            asked = workload.smaller() if options.quick else workload
            figures[job].append([take_sample(server, lineup.clients[name], asked) for _ in range(asked.runs)])
        run.rounds += 1
    run.others = bystanders.share()
    signal.alarm(0)
    run.rows = [measure.row(figures, lineup.missing) for measure in run.measures]
    run.words = [observation.cells(figures, lineup.missing) for observation in run.observations]


def sizes(scratch: Path, layer: Path) -> list[Row]:
    """The rows on the layer's archive."""
    sources_kb, whole_kb = (building.zipped_kb(layer, bytecode=shipped) for shipped in (False, True))
    start_kb = building.zipped_start_kb(layer, building.bare_python(scratch))
    return size_rows(sources_kb, start_kb, whole_kb, building.pythons_with_bytecode(layer))


def conditions(run: Run, lineup: Lineup) -> dict[str, str]:
    """What the report says of the run itself."""
    arguments = " ".join(argument for argument in sys.argv[1:] if argument != "--force")
    return report.conditions(
        f"benchmarks/run.py {arguments}" if arguments else "make bench",
        run.rounds,
        processors="the last one for the measuring server, the first one for all processes of the function",
        **{
            "Node.js": lineup.missing.get(node.AWS_NODE) or node.versions(),
            "peers": ", ".join([*peers.pins(), *peers.pins("bench-apps"), *peers.pins("bench-uvicorn-standard")]),
            "processor time that other programs took": noise.in_words(run.others),
        },
    )


def keep(text: str, run: Run, options: argparse.Namespace) -> None:
    """Write the report where it is asked for, unless other programs were in the way."""
    if options.output is None:
        return
    refusal = noise.refusal(run.others, force=options.force)
    if refusal:
        print(refusal, file=sys.stderr)
        return
    adapter_rows = [row for row in run.rows if row.group == ONE_CORE]
    others = [row for row in run.rows if not row.group.startswith("adapter")]
    (options.output / "report.md").write_text(text)
    (options.output / "report.svg").write_text(chart.draw(others))
    (options.output / "adapter.svg").write_text(chart.draw_against(adapter_rows, "the Lambda Web Adapter"))
    if options.output == HERE:
        PAGE.write_text(adapter_report.TABLE.written_into(PAGE.read_text(), adapter_report.summary(adapter_rows)))


def in_turn(jobs: list[Job], turn: int) -> list[Job]:
    """All jobs, those of one workload side by side; in each round another client begins."""
    alike: defaultdict[tuple[str, bool], list[Job]] = defaultdict(list)
    for job in jobs:
        alike[job[1].name, job[1].pinned].append(job)
    return [job for group in alike.values() for job in _rotated(group, turn % len(group))]


def _rotated(group: list[Job], start: int) -> list[Job]:
    return group[start:] + group[:start]


def note(text: str) -> None:
    """Progress: one line that is overwritten on a terminal."""
    print(f"\r\x1b[K{text}" if sys.stderr.isatty() else text, end="" if sys.stderr.isatty() else "\n", file=sys.stderr)


def give_up(_signal: int, _frame: object) -> None:
    """Nothing may run for ever; a measuring server that is left over ends by its own alarm."""
    raise TimeoutError(f"not done after {TIMEOUT_S} seconds")


if __name__ == "__main__":
    os.chdir(HERE.parent)
    sys.exit(main())
