"""What the benchmarks do with their figures. That they measure at all is seen by running them: `make bench`."""

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmark_modules import benchmark

measures, noise, observations, report, run = map(benchmark, ("measures", "noise", "observations", "report", "run"))
workloads = benchmark("workloads")

JOB = ("ours", workloads.APP_TINY)
PEER = ("theirs", workloads.APP_TINY)
TEN_BYTES = 10


def measure(target: Any = measures.REPORTED) -> Any:
    return measures.Measure("group", "speed", "chunks/s", lambda sample: sample, JOB, target, PEER)


def test_a_ratio_is_taken_within_each_round_and_every_figure_has_its_spread() -> None:
    figures = {JOB: [[10.0], [40.0], [60.0]], PEER: [[10.0], [20.0], [20.0]]}
    row = measure(measures.at_least(2)).row(figures, {})

    assert (row.ours, row.peer, row.value) == (40.0, 20.0, 2.0)
    assert (row.ours_spread, row.peer_spread, row.least, row.most) == ((10.0, 60.0), (10.0, 20.0), 1.0, 3.0)
    (line,) = report.table([row])[2:]
    assert line == "| speed (chunks/s) | 40 (10 to 60) | theirs: 20 (10 to 20) | 2 (1 to 3) | ≥ 2 | yes |"


@pytest.mark.parametrize("name", ["ours", "theirs"])
def test_a_row_whose_client_is_missing_says_why(name: str) -> None:
    row = measure().row({}, {name: "there is no `cargo`"})

    assert row.ours is None
    assert row.note == f"not measured, since {name} could not be installed here: there is no `cargo`"
    assert "not measured" in report.table([row])[2]


def test_in_each_round_another_client_of_a_workload_begins() -> None:
    unpinned = workloads.APP_TINY.unpinned()
    jobs = [JOB, ("ours", unpinned), PEER]

    assert run.in_turn(jobs, 0) == [JOB, PEER, ("ours", unpinned)]
    assert run.in_turn(jobs, 1) == [PEER, JOB, ("ours", unpinned)]


def test_others_took_what_the_machine_worked_without_our_part() -> None:
    assert noise.others_share(machine_s=30, own_s=20, elapsed_s=50, processors=2) == pytest.approx(0.1)
    assert noise.others_share(machine_s=19, own_s=20, elapsed_s=50, processors=2) == 0


def test_the_machines_work_is_that_of_programs_and_of_what_was_stolen() -> None:
    stat = "cpu  1 20 300 4000 50000 600000 7000000 80000000 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n"

    assert noise.working_ticks(stat) == 80000321


def kept(tmp_path: Path, *, others: float, force: bool) -> set[str]:
    seen = run.Run([], [], [measure().row({JOB: [[1.0]], PEER: [[1.0]]}, {})], [], others=others)
    run.keep("the report", seen, argparse.Namespace(output=tmp_path, force=force))
    return {path.name for path in tmp_path.iterdir()}


def test_a_run_on_a_busy_machine_updates_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept(tmp_path, others=0.2, force=False) == set()
    assert (
        "other programs took 20% of the processors' time, more than 5%: nothing is written" in capsys.readouterr().err
    )


@pytest.mark.parametrize(("others", "force"), [(0.01, False), (0.2, True)])
def test_a_quiet_run_is_kept_and_a_busy_one_if_that_is_asked_for(tmp_path: Path, others: float, force: bool) -> None:  # noqa: FBT001
    assert kept(tmp_path, others=others, force=force) == {"report.md", "report.svg", "adapter.svg"}


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        ({"cut": True, "tail": "x" * TEN_BYTES, "trailers": ""}, "the connection is cut"),
        (
            {"cut": False, "tail": "x" * TEN_BYTES, "trailers": "Lambda-Runtime-Function-Error-Type: A.B\nMore: c\n"},
            "an error in the trailers: `A.B`",
        ),
        (
            {"cut": False, "tail": "x" * TEN_BYTES + "Error:  no", "trailers": ""},
            "a complete response, with text in its body: `Error: no`",
        ),
        ({"cut": False, "tail": "x" * TEN_BYTES, "trailers": ""}, "a complete response, which ends early"),
    ],
)
def test_an_ending_is_put_into_words(seen: dict[str, Any], words: str) -> None:
    sample = SimpleNamespace(workload=SimpleNamespace(count=2, size=5), seen={"invocations": [seen]})

    assert observations.told([sample, sample]) == words


def test_the_apps_find_what_is_asked_for_in_the_path_and_the_query() -> None:
    event = workloads.APP_TINY_SYNC.event

    assert event["rawPath"] == event["requestContext"]["http"]["path"] == "/sync-chunks"
    assert event["rawQueryString"] == "count=4000&size=20"
    assert workloads.COLD_START.event["requestContext"]["http"]["path"] == "/chunks"
