"""The layer against the Lambda Web Adapter: each figure with all of the function's processes on one core, and unpinned.

The goals hold on one core, which is what a function of up to 1,769 MB has.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import adapter
import apps
from measures import REPORTED, Figure, Measure, Target, at_least, at_most
from runtimes import OURS, OURS_ASYNC
from workloads import (
    APP_FIRST_BYTE,
    APP_LARGE,
    APP_LARGE_SYNC,
    APP_START,
    APP_TINY,
    APP_TINY_SYNC,
    Workload,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sampling import Sample

ONE_CORE = "adapter, one core"
UNPINNED = "adapter, unpinned"


class _Kind(NamedTuple):
    """A figure of one workload, for several pairs of clients: ours, theirs and the goal."""

    title: str
    unit: str
    figure: Figure
    workload: Workload
    pairs: Sequence[tuple[str, str, Target]]
    ours: Workload | None = None  # if it differs, since ours is much faster


def _chunks(sample: Sample) -> float:
    return sample.chunks_per_second


def _megabytes(sample: Sample) -> float:
    return sample.megabytes_per_second


def _cold(sample: Sample) -> float:
    return sample.cold_first_byte_ms


def _warm(sample: Sample) -> float:
    return sample.first_byte_us / 1e3


def _cpu(sample: Sample) -> float:
    return sample.cpu_ms


def _cpu_per_chunk(sample: Sample) -> float:
    return sample.cpu_us_per_chunk


def _memory(sample: Sample) -> float:
    return sample.memory_mb


def _apps(plain: Target, starlette: Target, fastapi: Target) -> list[tuple[str, str, Target]]:
    """Each app with each web server. The goals are for uvicorn as `pip install uvicorn` gives it."""
    return [
        (OURS, adapter.STARLETTE, plain),
        (apps.STARLETTE, adapter.STARLETTE, starlette),
        (apps.STARLETTE, adapter.STARLETTE_STANDARD, REPORTED),
        (apps.FASTAPI, adapter.FASTAPI, fastapi),
        (apps.FASTAPI, adapter.FASTAPI_STANDARD, REPORTED),
        (apps.FLASK, adapter.FLASK, REPORTED),
    ]


def _starlette(ours: str, uvicorn: Target, standard: Target) -> list[tuple[str, str, Target]]:
    return [(ours, adapter.STARLETTE, uvicorn), (ours, adapter.STARLETTE_STANDARD, standard)]


_UVLOOP = [(apps.STARLETTE_UVLOOP, adapter.STARLETTE_STANDARD, REPORTED)]

_KINDS = [
    _Kind("first byte, cold", "ms", _cold, APP_START, _apps(at_most(0.10), at_most(0.6), at_most(0.65))),
    _Kind(
        "first byte, cold",
        "ms",
        _cold,
        APP_START,
        [
            (apps.STARLETTE, apps.STARLETTE_FLOOR, REPORTED),
            (apps.FASTAPI, apps.FASTAPI_FLOOR, REPORTED),
            (apps.FLASK, apps.FLASK_FLOOR, REPORTED),
        ],
    ),
    _Kind("first byte, cold", "ms", _cold, APP_START, _UVLOOP),
    _Kind("processor time, cold", "ms", _cpu, APP_START, _apps(REPORTED, REPORTED, REPORTED)),
    _Kind("first byte, warm", "ms", _warm, APP_FIRST_BYTE, _apps(at_most(0.06), at_most(0.3), REPORTED)),
    _Kind(
        "20 B chunks, async generator",
        "chunks/s",
        _chunks,
        APP_TINY,
        [
            *_starlette(apps.STARLETTE, at_least(1.5), at_least(1.0)),
            *_UVLOOP,
            (OURS_ASYNC, adapter.STARLETTE_STANDARD, at_least(1.5)),
        ],
    ),
    _Kind(
        "20 B chunks, generator",
        "chunks/s",
        _chunks,
        APP_TINY_SYNC,
        [
            *_starlette(apps.STARLETTE, at_least(1.2), at_least(1.0)),
        ],
    ),
    _Kind(
        "20 B chunks, generator",
        "chunks/s",
        _chunks,
        APP_TINY_SYNC,
        [(OURS, adapter.STARLETTE_STANDARD, at_least(40))],
        ours=APP_TINY,
    ),
    _Kind("20 B chunks, generator", "chunks/s", _chunks, APP_TINY, [(apps.FLASK, adapter.FLASK, REPORTED)]),
    _Kind(
        "processor time for a chunk of 20 B, async generator",
        "us",
        _cpu_per_chunk,
        APP_TINY,
        [
            *_starlette(apps.STARLETTE, REPORTED, REPORTED),
            (OURS_ASYNC, adapter.STARLETTE_STANDARD, REPORTED),
        ],
    ),
    _Kind(
        "processor time for a chunk of 20 B, generator",
        "us",
        _cpu_per_chunk,
        APP_TINY_SYNC,
        _starlette(apps.STARLETTE, REPORTED, REPORTED),
    ),
    _Kind(
        "64 KB chunks, async generator",
        "MB/s",
        _megabytes,
        APP_LARGE,
        _starlette(apps.STARLETTE, REPORTED, at_least(2)),
    ),
    _Kind(
        "64 KB chunks, generator",
        "MB/s",
        _megabytes,
        APP_LARGE_SYNC,
        _starlette(apps.STARLETTE, REPORTED, at_least(1.3)),
    ),
    _Kind("64 KB chunks, generator", "MB/s", _megabytes, APP_LARGE, [(apps.FLASK, adapter.FLASK, REPORTED)]),
    _Kind("memory after 61 requests", "MB", _memory, APP_FIRST_BYTE, _apps(at_most(0.2), at_most(0.75), at_most(0.85))),
]


def _measures(group: str, *, pinned: bool) -> Iterator[Measure]:
    for kind in _KINDS:
        ours, theirs = (replace(one, pinned=pinned) for one in (kind.ours or kind.workload, kind.workload))
        for client, peer, goal in kind.pairs:
            title = f"{kind.title}: {_SUBJECTS[client]}"
            target = goal if pinned else REPORTED
            yield Measure(group, title, kind.unit, kind.figure, (client, ours), target, (peer, theirs))


_SUBJECTS = {
    OURS: "no framework",
    OURS_ASYNC: "no framework",
    apps.STARLETTE: "Starlette",
    apps.STARLETTE_UVLOOP: "Starlette on uvloop",
    apps.FASTAPI: "FastAPI",
    apps.FLASK: "Flask",
}

ADAPTER: list[Measure] = [*_measures(ONE_CORE, pinned=True), *_measures(UNPINNED, pinned=False)]
