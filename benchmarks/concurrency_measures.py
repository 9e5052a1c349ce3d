"""Several invocations at a time: what is compared with what, and how good it has to be.

The goals hold on one core. There the streams a second are those of a core that is asked for more than it can do; with
fewer streams every client mostly waits, and takes as long as the waits take.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from concurrency_clients import (
    AT_A_TIME,
    AWS,
    BUSY,
    CLIENTS,
    PROCESS_EACH,
    PROCESSES,
    STANDARD,
    TASKS,
    TASKS_IN_TWO,
    TASKS_STARLETTE,
    TASKS_UVLOOP,
    UVICORN,
    WAITING,
)
from measures import REPORTED, Figure, Measure, Target, at_least, at_most

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sampling import Sample
    from workloads import Workload

ONE_CORE = "one core"
TWO_CORES = "two cores"


def _streams(sample: Sample) -> float:
    return sample.streams_per_second


def _delay(sample: Sample) -> float:
    return sample.slowest_delay_ms


def _median_delay(sample: Sample) -> float:
    return sample.delay_us / 1e3


def _memory(sample: Sample) -> float:
    return sample.memory_mb


def _cpu(sample: Sample) -> float:
    return sample.cpu_us_per_chunk


def _start(sample: Sample) -> float:
    return sample.start_ms


def _start_cpu(sample: Sample) -> float:
    return sample.start_cpu_ms


OVERVIEW: list[tuple[str, Figure]] = [
    ("streams/s", _streams),
    ("chunk to reader, median, ms", _median_delay),
    ("chunk to reader, 99th percentile, ms", _delay),
    ("memory, MB", _memory),
    ("processor time for a chunk, us", _cpu),
    ("start, ms", _start),
]
"""What is told of every client."""

SUMMARY = [OVERVIEW[index] for index in (2, 3, 5)]
"""What the guide shows of it."""

_TASKS_AND_ADAPTER = [
    (TASKS_STARLETTE, UVICORN),
    (TASKS, UVICORN),
    (TASKS_STARLETTE, STANDARD),
    (TASKS_UVLOOP, STANDARD),
]


def _kinds() -> Iterator[tuple[str, str, Figure, Workload, str, str, Target]]:
    for ours, theirs in _TASKS_AND_ADAPTER:
        judged = theirs == UVICORN
        yield "a busy core", "streams/s", _streams, BUSY, ours, theirs, at_least(1.2) if judged else REPORTED
        yield _AT_READER, "ms", _delay, BUSY, ours, theirs, at_most(1) if judged else REPORTED
        yield "processor time for a chunk", "us", _cpu, BUSY, ours, theirs, REPORTED
    for ours, theirs in _TASKS_AND_ADAPTER:
        judged = theirs == UVICORN
        yield _AT_READER, "ms", _delay, WAITING[64], ours, theirs, at_most(1) if judged else REPORTED
        yield "memory", "MB", _memory, WAITING[64], ours, theirs, at_most(0.75) if judged else REPORTED
    yield "memory", "MB", _memory, WAITING[64], TASKS, AWS, at_most(0.1)
    for at_a_time in AT_A_TIME[1:]:
        workload = WAITING[at_a_time]
        yield "memory", "MB", _memory, workload, PROCESSES, AWS, at_most(1)
        yield "start", "ms", _start, workload, PROCESSES, AWS, at_most(1)
        yield "processor time of the start", "ms", _start_cpu, workload, PROCESSES, AWS, REPORTED


def _on_two_cores() -> Iterator[tuple[str, str, Figure, Workload, str, str, Target]]:
    for theirs in (UVICORN, STANDARD):
        yield "a busy core", "streams/s", _streams, BUSY, TASKS_IN_TWO, theirs, REPORTED
        yield _AT_READER, "ms", _delay, BUSY, TASKS_IN_TWO, theirs, REPORTED
    yield "memory", "MB", _memory, WAITING[64], TASKS_IN_TWO, UVICORN, REPORTED


_AT_READER = "chunk to reader, 99th percentile"


def _measures(group: str, *, pinned: bool) -> Iterator[Measure]:
    for what, unit, figure, workload, ours, theirs, target in (*_kinds(), *(() if pinned else _on_two_cores())):
        asked = replace(workload, pinned=pinned)
        title = f"{workload.name}, {what}: {ours.removeprefix('layer, ')}"
        yield Measure(group, title, unit, figure, (ours, asked), target if pinned else REPORTED, (theirs, asked))


MEASURES: list[Measure] = [*_measures(ONE_CORE, pinned=True), *_measures(TWO_CORES, pinned=False)]


def _runs(client: str, workload: Workload, *, pinned: bool) -> bool:
    if client == TASKS_IN_TWO:
        return not pinned and workload.at_a_time > 1
    return workload is not BUSY or client not in PROCESS_EACH


JOBS = [
    (client, replace(workload, pinned=pinned))
    for pinned in (True, False)
    for workload in (*WAITING.values(), BUSY)
    for client in CLIENTS
    if _runs(client, workload, pinned=pinned)
]
"""What runs in each round, for the measures and for the overview."""
