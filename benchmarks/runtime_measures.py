"""The layer beside other runtimes: what is measured and how good it has to be."""

from __future__ import annotations

from measures import REPORTED, Measure, Row, at_least, at_most
from node import AWS_NODE
from runtimes import AWS_PYTHON, LIMIT, OURS, OURS_ASYNC, PYTHON_FLOOR
from rust import RUST
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
)


def _throughput() -> list[Measure]:
    found = []
    for name, ours in (("generator", OURS), ("async generator", OURS_ASYNC)):
        for workload in (TINY, SMALL):
            title = f"{workload.name} chunks, {name}"
            compared = (ours, workload), at_least(0.7), (LIMIT, workload)
            found.append(Measure("throughput", title, "chunks/s", lambda s: s.chunks_per_second, *compared))
        for workload in (LARGE, HUGE):
            title = f"{workload.name} chunks, {name}"
            compared = (ours, workload), at_least(0.85), (LIMIT, workload)
            found.append(Measure("throughput", title, "MB/s", lambda s: s.megabytes_per_second, *compared))
    return found


RUNTIMES: list[Measure] = [
    *_throughput(),
    *(
        Measure("throughput", title, unit, figure, (OURS, workload), REPORTED, (RUST, workload))
        for title, unit, figure, workload in (
            ("20 B chunks, generator", "chunks/s", lambda s: s.chunks_per_second, TINY),
            ("64 KB chunks, generator", "MB/s", lambda s: s.megabytes_per_second, LARGE),
        )
    ),
    *(
        Measure(
            "throughput",
            f"{workload.name} chunks, generator",
            "chunks/s",
            lambda s: s.chunks_per_second,
            (OURS, workload),
            at_least(0.95),
            (PYTHON_FLOOR, workload),
        )
        for workload in (TINY, SMALL)
    ),
    Measure(
        "latency", f"{BURST.name}, median", "us", lambda s: s.delay_us, (OURS, BURST), at_most(0.05), (AWS_NODE, BURST)
    ),
    *(
        Measure("latency", "time to first byte", "us", lambda s: s.first_byte_us, (OURS, FIRST_BYTE), target, peer)
        for target, peer in (
            (at_most(0.8), (AWS_PYTHON, FIRST_BYTE)),
            (at_most(0.4), (AWS_NODE, FIRST_BYTE)),
            (REPORTED, (RUST, FIRST_BYTE)),
            (REPORTED, (PYTHON_FLOOR, FIRST_BYTE)),
        )
    ),
    Measure(
        "latency",
        "event loop's lag while the reader is slow, maximum",
        "ms",
        lambda s: s.lag_ms,
        (OURS_ASYNC, SLOW_READER),
        at_most(5),
    ),
    Measure(
        "latency",
        "event loop's lag while nothing else runs, maximum",
        "ms",
        lambda s: s.lag_ms,
        (OURS_ASYNC, IDLE_LOOP),
        REPORTED,
    ),
    *(
        Measure("start", "process start to first /next", "ms", lambda s: s.start_ms, (OURS, COLD_START), target, peer)
        for target, peer in (
            (at_most(0.55), (AWS_PYTHON, COLD_START)),
            (at_most(0.3), (AWS_NODE, COLD_START)),
            (REPORTED, (RUST, COLD_START)),
            (REPORTED, (PYTHON_FLOOR, START_ONLY)),
        )
    ),
    *(
        Measure(
            "start",
            "processor time until then",
            "ms",
            lambda s: s.start_cpu_ms,
            (OURS, COLD_START),
            REPORTED,
            (peer, COLD_START),
        )
        for peer in (AWS_PYTHON, AWS_NODE)
    ),
    *(
        Measure("start", title, "ms", lambda s: s.cold_first_byte_ms, (ours, COLD_START), target, (peer, COLD_START))
        for title, ours, target, peer in (
            ("process start to first byte, generator", OURS, at_most(0.7), AWS_PYTHON),
            ("process start to first byte, generator", OURS, REPORTED, RUST),
            ("process start to first byte, async generator", OURS_ASYNC, REPORTED, AWS_PYTHON),
            ("process start to first byte, async generator", OURS_ASYNC, REPORTED, AWS_NODE),
        )
    ),
    Measure(
        "memory",
        "resident at the first /next",
        "MB",
        lambda s: s.resident_mb,
        (OURS, COLD_START),
        at_most(1.0),
        (AWS_PYTHON, COLD_START),
    ),
    *(
        Measure("memory", f"growth over {workload.name}", "MB", lambda s: s.growth_mb, (OURS, workload), target)
        for workload, target in ((LONG_LARGE, at_most(1 + 1 / 16)), (LONG_HUGE, at_most(2)))
    ),
    Measure(
        "buffered",
        f"{DOCUMENT.name}, handed out to last byte",
        "ms",
        lambda s: s.milliseconds_per_response,
        (OURS, DOCUMENT),
        at_most(1.0),
        (AWS_PYTHON, DOCUMENT),
    ),
]


def size_rows(sources_kb: float, start_kb: float, whole_kb: float, pythons: list[str]) -> list[Row]:
    """The lines on the layer's size, which needs no rounds."""
    start = "zipped layer, sources of what every start loads"
    bytecode_kb = (whole_kb - sources_kb) / len(pythons)
    return [
        Row("size", "zipped layer, sources", "kB", at_most(60), ours=sources_kb, value=sources_kb),
        Row("size", start, "kB", at_most(45), ours=start_kb, value=start_kb),
        Row("size", "zipped bytecode for one Python", "kB", at_most(210), ours=bytecode_kb, value=bytecode_kb),
        Row(
            "size",
            f"zipped layer, with bytecode for Python {', '.join(pythons)}",
            "kB",
            at_most(400),
            ours=whole_kb,
            value=whole_kb,
        ),
    ]
