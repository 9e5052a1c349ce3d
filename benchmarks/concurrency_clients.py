"""Who takes several invocations at a time, and the streams that each is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import adapter
import peers
import runtimes
from building import bare_python
from lineup import Lineup
from workloads import Workload

if TYPE_CHECKING:
    from pathlib import Path

    from clients import Client

PROCESSES = "layer, processes"
TASKS = "layer, tasks"
TASKS_STARLETTE = "layer, tasks, Starlette"
TASKS_UVLOOP = "layer, tasks, Starlette on uvloop"
TASKS_IN_TWO = "layer, tasks in 2 processes, Starlette"  # where there are two cores
AWS = "awslambdaric"
UVICORN = adapter.STARLETTE
STANDARD = adapter.STARLETTE_STANDARD
CLIENTS = (PROCESSES, TASKS, TASKS_STARLETTE, TASKS_UVLOOP, TASKS_IN_TWO, AWS, UVICORN, STANDARD)

PROCESS_EACH = (PROCESSES, AWS)  # those with a process for each invocation

TASK = "waiting chunks"
AT_A_TIME = (1, 16, 64, 256)
MOST = AT_A_TIME[-1]


def streams(at_a_time: int, *, wait_ms: int = 20, count: int = 25) -> Workload:
    """So many streams at the same time, each of `count` chunks. When one ends another begins, twice for each place."""
    name = f"{at_a_time} at a time, {wait_ms} ms between chunks"
    everything = 2 * at_a_time
    return Workload(
        name, TASK, count, size=20, invocations=everything, stamped=True, at_a_time=at_a_time, wait_ms=wait_ms
    )


WAITING = {at_a_time: streams(at_a_time) for at_a_time in AT_A_TIME}
BUSY = streams(MOST, wait_ms=4, count=100)
"""64,000 chunks a second, if a core could make them: it says how many it can."""


def make_lineup(scratch: Path, layer: Path) -> Lineup:
    """Install who is missing."""
    python, lineup = str(bare_python(scratch)), Lineup()
    lineup.add([one for one in CLIENTS if one not in (UVICORN, STANDARD)], lambda: _in_python(layer, python))
    lineup.add([UVICORN, STANDARD], lambda: _behind_adapter(python))
    return lineup


def _in_python(layer: Path, python: str) -> list[Client]:
    runtime, packages, standard = (
        peers.runtime(),
        peers.packages("bench-apps"),
        peers.packages("bench-uvicorn-standard"),
    )
    starlette = runtimes.on_layer(
        TASKS_STARLETTE,
        {TASK: "starlette_handler.handler"},
        layer,
        python,
        runtime,
        packages=[packages],
        STREAMIFY_CONCURRENCY="tasks",
    )
    return [
        runtimes.on_layer(PROCESSES, {TASK: "waiting_chunks.handler"}, layer, python, runtime),
        runtimes.on_layer(
            TASKS, {TASK: "waiting_chunks.async_handler"}, layer, python, runtime, STREAMIFY_CONCURRENCY="tasks"
        ),
        starlette,
        replace(
            starlette,
            name=TASKS_UVLOOP,
            variables={
                **starlette.variables,
                "PYTHONPATH": f"{standard}:{packages}",
                "STREAMIFY_EVENT_LOOP": "uvloop",
            },
        ),
        replace(starlette, name=TASKS_IN_TWO, variables={**starlette.variables, "STREAMIFY_PROCESSES": "2"}),
        replace(runtimes.aws_python(python, runtime), handlers={TASK: "waiting_chunks.buffered_handler"}),
    ]


def _behind_adapter(python: str) -> list[Client]:
    """It takes as many invocations at a time as AWS_LAMBDA_MAX_CONCURRENCY says, and passes all to one web server."""
    made = adapter.clients(python, peers.packages("bench-apps"), peers.packages("bench-uvicorn-standard"))
    return [replace(one, handlers={TASK: "web_server.sh"}) for one in made if one.name in (UVICORN, STANDARD)]
