"""What is measured and how good it has to be: one table."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clients import AWS_NODE, AWS_PYTHON, LIMIT, OURS, OURS_ASYNC, PYTHON_FLOOR, STARLETTE, STARLETTE_ASYNC
from sampling import Sample
from workloads import (
    BURST,
    COLD_START,
    DOCUMENT,
    FIRST_BYTE,
    HUGE,
    IDLE_LOOP,
    LARGE,
    LONG_HUGE,
    LONG_LARGE,
    SLOW_READER,
    SMALL,
    START_ONLY,
    TINY,
    TINY_FEW,
    Workload,
)

Job = tuple[str, Workload]  # the name of a client and what it does
Figures = Mapping[Job, list[list[Sample]]]  # for each round, the samples of its runs
Figure = Callable[[Sample], float]


@dataclass(frozen=True)
class Target:
    """A bound on a ratio, or on a figure that is compared with no one's. Without a number it is only reported."""

    number: float | None
    at_least: bool = False

    def met(self, value: float) -> bool | None:
        """Whether `value` is within the bound; None if there is none."""
        if self.number is None:
            return None
        return value >= self.number if self.at_least else value <= self.number

    def margin(self, value: float) -> float | None:
        """How many times better than the bound; 1 is just met."""
        if self.number is None:
            return None
        return value / self.number if self.at_least else self.number / max(value, self.number / 1000)


@dataclass(frozen=True)
class Row:
    """One line of the report. `value` is what the target is held against: a ratio if there is a peer."""

    group: str
    title: str
    unit: str
    target: Target
    ours: float | None = None
    peer_name: str = ""
    peer: float | None = None
    value: float | None = None
    least: float | None = None
    most: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Measure:
    """A figure of ours, beside a peer's from the same rounds if there is one."""

    group: str
    title: str
    unit: str
    figure: Figure
    ours: Job
    target: Target
    peer: Job | None = None

    @property
    def jobs(self) -> list[Job]:
        """What has to run for it."""
        return [self.ours, *([self.peer] if self.peer else [])]

    def row(self, figures: Figures, missing: Mapping[str, str]) -> Row:
        """The medians over the rounds; ratios are taken within each round, where both ran side by side."""
        peer_name = self.peer[0] if self.peer else ""
        if peer_name in missing:
            note = f"not measured, since {peer_name} could not be installed here: {missing[peer_name]}"
            return Row(self.group, self.title, self.unit, self.target, peer_name=peer_name, note=note)
        ours, peer, values = self._per_round(figures[self.ours]), None, None
        if self.peer:
            theirs = self._per_round(figures[self.peer])
            peer = statistics.median(theirs)
            values = [mine / other for mine, other in zip(ours, theirs, strict=True)]
        values = values or ours
        return Row(
            self.group,
            self.title,
            self.unit,
            self.target,
            ours=statistics.median(ours),
            peer_name=peer_name,
            peer=peer,
            value=statistics.median(values),
            least=min(values),
            most=max(values),
        )

    def _per_round(self, rounds: list[list[Sample]]) -> list[float]:
        return [statistics.median(map(self.figure, samples)) for samples in rounds]


def _at_least(number: float) -> Target:
    return Target(number, at_least=True)


def _at_most(number: float) -> Target:
    return Target(number)


def _throughput() -> list[Measure]:
    found = []
    for name, ours in (("generator", OURS), ("async generator", OURS_ASYNC)):
        for workload in (TINY, SMALL):
            title = f"{workload.name} chunks, {name}"
            compared = (ours, workload), _at_least(0.7), (LIMIT, workload)
            found.append(Measure("throughput", title, "chunks/s", lambda s: s.chunks_per_second, *compared))
        for workload in (LARGE, HUGE):
            title = f"{workload.name} chunks, {name}"
            compared = (ours, workload), _at_least(0.85), (LIMIT, workload)
            found.append(Measure("throughput", title, "MB/s", lambda s: s.megabytes_per_second, *compared))
    return found


MEASURES = [
    *_throughput(),
    *(
        Measure("throughput", title, "chunks/s", lambda s: s.chunks_per_second, (ours, TINY), target, peer)
        for title, ours, target, peer in (
            ("20 B chunks, async generator", OURS_ASYNC, _at_least(1.5), (STARLETTE_ASYNC, TINY)),
            ("20 B chunks, generator", OURS, _at_least(40), (STARLETTE, TINY_FEW)),
        )
    ),
    *(
        Measure(
            "throughput",
            f"{workload.name} chunks, generator",
            "chunks/s",
            lambda s: s.chunks_per_second,
            (OURS, workload),
            Target(None),
            (PYTHON_FLOOR, workload),
        )
        for workload in (TINY, SMALL)
    ),
    Measure(
        "latency", f"{BURST.name}, median", "us", lambda s: s.delay_us, (OURS, BURST), _at_most(0.05), (AWS_NODE, BURST)
    ),
    *(
        Measure("latency", "time to first byte", "us", lambda s: s.first_byte_us, (OURS, FIRST_BYTE), target, peer)
        for target, peer in (
            (_at_most(0.8), (AWS_PYTHON, FIRST_BYTE)),
            (_at_most(0.4), (AWS_NODE, FIRST_BYTE)),
            (Target(None), (PYTHON_FLOOR, FIRST_BYTE)),
        )
    ),
    Measure(
        "latency",
        "event loop's lag while the reader is slow, maximum",
        "ms",
        lambda s: s.lag_ms,
        (OURS_ASYNC, SLOW_READER),
        _at_most(5),
    ),
    Measure(
        "latency",
        "event loop's lag while nothing else runs, maximum",
        "ms",
        lambda s: s.lag_ms,
        (OURS_ASYNC, IDLE_LOOP),
        Target(None),
    ),
    *(
        Measure("start", "process start to first /next", "ms", lambda s: s.start_ms, (OURS, COLD_START), target, peer)
        for target, peer in (
            (_at_most(0.65), (AWS_PYTHON, COLD_START)),
            (_at_most(0.3), (AWS_NODE, COLD_START)),
            (Target(None), (PYTHON_FLOOR, START_ONLY)),
        )
    ),
    *(
        Measure(
            "start",
            "processor time until then",
            "ms",
            lambda s: s.start_cpu_ms,
            (OURS, COLD_START),
            Target(None),
            (peer, COLD_START),
        )
        for peer in (AWS_PYTHON, AWS_NODE)
    ),
    *(
        Measure("start", title, "ms", lambda s: s.cold_first_byte_ms, (ours, COLD_START), target, (peer, COLD_START))
        for title, ours, target, peer in (
            ("process start to first byte, generator", OURS, _at_most(0.7), AWS_PYTHON),
            ("process start to first byte, async generator", OURS_ASYNC, Target(None), AWS_PYTHON),
            ("process start to first byte, async generator", OURS_ASYNC, Target(None), AWS_NODE),
        )
    ),
    Measure(
        "memory",
        "resident at the first /next",
        "MB",
        lambda s: s.resident_mb,
        (OURS, COLD_START),
        _at_most(1.0),
        (AWS_PYTHON, COLD_START),
    ),
    *(
        Measure("memory", f"growth over {workload.name}", "MB", lambda s: s.growth_mb, (OURS, workload), target)
        for workload, target in ((LONG_LARGE, _at_most(1 + 1 / 16)), (LONG_HUGE, _at_most(2)))
    ),
    Measure(
        "buffered",
        f"{DOCUMENT.name}, handed out to last byte",
        "ms",
        lambda s: s.milliseconds_per_response,
        (OURS, DOCUMENT),
        _at_most(1.0),
        (AWS_PYTHON, DOCUMENT),
    ),
]


def size_rows(sources_kb: float, start_kb: float, whole_kb: float, pythons: list[str]) -> list[Row]:
    """The lines on the layer's size, which needs no rounds."""
    start = "zipped layer, sources of what every start loads"
    return [
        Row("size", "zipped layer, sources", "kB", _at_most(60), ours=sources_kb, value=sources_kb),
        Row("size", start, "kB", Target(None), ours=start_kb, value=start_kb),
        Row(
            "size",
            f"zipped layer, with bytecode for Python {', '.join(pythons)}",
            "kB",
            _at_most(400),
            ours=whole_kb,
            value=whole_kb,
        ),
    ]
