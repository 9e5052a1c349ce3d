"""What a load test does: the request, and how many users send it how often."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STREAM_END_TIMEOUT_S = 10  # for streams that are still running after the duration of the test
WEB_PORT = 8089  # Locust's default
MASTER_PORT = 5557  # Locust's default


@dataclass(frozen=True)
class Plan:
    """A load test of one URL. Times are in seconds; `rate` and `spawn_rate` are per second, for all users together."""

    url: str
    method: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    ends_with: bytes = b""
    """What the body has to end with, apart from white space; otherwise the stream was cut."""
    users: int = 10
    spawn_rate: float | None = None
    """None: all users start in the first second."""
    rate: float | None = None
    """None: each user requests a stream when its last one has ended."""
    slo: str | None = None
    duration: float = 10
    grace: int = STREAM_END_TIMEOUT_S
    processes: int | None = None
    web: int | None = None
    """The port of Locust's page."""
    html: Path | None = None
    master: Master | None = None


@dataclass(frozen=True)
class Master:
    """Workers in other processes or on other machines read the streams. They connect to this address."""

    host: str = "*"
    port: int = MASTER_PORT
    workers: int = 1
    """How many workers have to be there before the test starts."""


@dataclass(frozen=True)
class Worker:
    """Reads streams for a master. It gets everything else from there."""

    host: str = "127.0.0.1"
    port: int = MASTER_PORT
    processes: int | None = None


def locust_options(plan: Plan) -> list[str]:
    """Return the options for Locust's command line that belong to the plan."""
    options = ["--users", str(plan.users), "--spawn-rate", str(plan.spawn_rate or plan.users)]
    options += ["--stop-timeout", str(plan.grace), "--only-summary"]
    if plan.web is None:
        options += ["--headless"]
    else:
        options += ["--autostart", "--web-host", "127.0.0.1", "--web-port", str(plan.web)]
    if plan.html is not None:
        options += ["--html", str(plan.html.absolute())]
    if plan.processes is not None:
        options += ["--processes", str(plan.processes)]
    if plan.master is not None:
        options += ["--master", "--master-bind-host", plan.master.host, "--master-bind-port", str(plan.master.port)]
        options += ["--expect-workers", str(plan.master.workers)]
    return options


def worker_options(worker: Worker) -> list[str]:
    """Return the options for Locust's command line of a worker. It gets the locustfile from its master."""
    options = ["--locustfile", "-", "--worker", "--master-host", worker.host, "--master-port", str(worker.port)]
    return options if worker.processes is None else [*options, "--processes", str(worker.processes)]
