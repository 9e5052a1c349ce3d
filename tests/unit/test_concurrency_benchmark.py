"""What the benchmark of several invocations at a time does with its figures. `make bench-concurrency` runs it."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark_modules import benchmark

clients, concurrency, measures = map(benchmark, ("concurrency_clients", "concurrency", "concurrency_measures"))
concurrency_report, lineup, sampling = map(benchmark, ("concurrency_report", "lineup", "sampling"))

WORKLOAD = clients.WAITING[16]
OURS, AWS = (clients.PROCESSES, WORKLOAD), (clients.AWS, WORKLOAD)


def sample(kilobytes: int = 2048) -> Any:
    seen = {
        "duration_ns": 500_000_000,
        "delays_ns": list(range(1_000_000, 101_000_000, 1_000_000)),
        "proportional_kb": kilobytes,
        "run_ns": 800_000_000,
        "first_next_ns": 60_000_000,
        "cpu_at_first_next_ns": 50_000_000,
    }
    return sampling.Sample(WORKLOAD, seen, "")


def memory_measure() -> Any:
    return next(one for one in measures.MEASURES if one.jobs == [OURS, AWS] and one.title.endswith("memory: processes"))


def test_streams_a_second_and_delays_are_of_all_that_ran_at_the_same_time() -> None:
    assert sample().streams_per_second == 2 * 16 / 0.5
    assert sample().slowest_delay_ms == 100
    assert sample().cpu_us_per_chunk == 800_000_000 / 1e3 / (32 * 25)


def test_everything_compared_runs() -> None:
    assert {job for one in measures.MEASURES for job in one.jobs} <= set(measures.JOBS)


def test_the_server_hands_out_so_many_at_a_time_and_out_of_step() -> None:
    options = sampling.server_options(WORKLOAD)

    assert [options[options.index(flag) + 1] for flag in ("-n", "-c", "-g", "-m")] == ["32", "16", "1250000", "250"]
    assert WORKLOAD.variables == {"AWS_LAMBDA_MAX_CONCURRENCY": "16", "BENCH_WAIT_MS": "20"}


def test_a_row_is_a_ratio_of_both() -> None:
    run = concurrency.Run({OURS: [[sample(1024)]], AWS: [[sample(2048)]]})

    assert concurrency.row_of(memory_measure(), run, lineup.Lineup()).value == 0.5


def test_what_a_machine_cannot_run_says_so_in_its_rows() -> None:
    run = concurrency.Run({OURS: [[sample()]], AWS: []}, {AWS: "256 processes may take 3,072 MB"})
    row = concurrency.row_of(memory_measure(), run, lineup.Lineup())
    cells = concurrency_report.summary(run.figures, run.failed)[-1].split(" | ")

    assert (row.value, row.note) == (None, "not measured: 256 processes may take 3,072 MB")
    assert cells == ["| 16", "start, ms", "60", "not measured |"]


def test_more_processes_than_a_machine_can_hold_are_not_started() -> None:
    assert concurrency.lack_of_memory(1) is None
    assert "processes may take" in concurrency.lack_of_memory(10**9)


@pytest.mark.parametrize(("others", "flags", "written"), [(0.2, [], 0), (0.01, [], 2), (0.2, ["--force"], 2)])
def test_a_run_on_a_busy_machine_updates_nothing_unless_told(
    tmp_path: Path,
    others: float,
    flags: list[str],
    written: int,
) -> None:
    run = concurrency.Run({}, others=others)
    concurrency.keep("the report", [], run, argparse.Namespace(output=tmp_path, force=bool(flags)))

    assert len(list(tmp_path.iterdir())) == written


def test_a_smoke_run_leaves_out_what_takes_long() -> None:
    assert not concurrency.is_large(OURS)
    assert concurrency.is_large((clients.AWS, clients.WAITING[64]))
    assert concurrency.is_large((clients.AWS, replace(WORKLOAD, pinned=False)))
