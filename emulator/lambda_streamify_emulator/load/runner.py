"""`streamify load`: reads many streams of one URL at the same time. Locust does it, in processes of its own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..errors import LoadError
from ..recordings.timeline import pluralize
from ..terminal import terminal
from .html_report import complete_report
from .locustfile import locustfile
from .measurement import COMPLETE, FAILURES, NO_ANSWER
from .plan import locust_options, worker_options
from .report import progress, table, warnings

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from .plan import Plan, Worker

PIP_LINE = "pip install 'lambda-streamify[load]'"
PROGRAM = ("-m", f"{__package__}.process")
PROCESS_OVERHEAD_LIMIT_S = 60  # for the process to start and exit, in addition to the duration of the test


def check_installed() -> None:
    """Raise LoadError, with the pip command, if Locust is not installed."""
    if find_spec("locust") is None:
        raise LoadError(f"streamify load needs Locust: {PIP_LINE}")


def check_free(port: int) -> None:
    """Raise LoadError if the port of Locust's page is not available. Locust itself would only skip the page."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise LoadError(f"port {port} for Locust's page is not available: {reason}; free it, or omit --web") from error


def load(plan: Plan, *, as_json: bool) -> bool:
    """Run the plan and print the figures; return whether every stream was complete."""
    if plan.master is not None:
        workers = pluralize(plan.master.workers, "worker")
        terminal.say(f"waiting for {workers} on port {plan.master.port}; start one with: streamify load --worker")
    figures: dict[str, Any] = {}
    latest: list[dict[str, Any]] = []
    for figures in running(plan):
        latest.append(figures.pop("latest"))
        if not as_json:
            terminal.say(progress(figures))
    if as_json:
        print(json.dumps(figures))  # noqa: T201
    else:
        for line in table(figures):
            terminal.OUT.print(line, markup=False)
    for warning in warnings(figures):
        terminal.warn(warning)
    if plan.html is not None:
        complete_report(plan.html, figures, latest)
    outcomes = figures["outcomes"]
    if outcomes[NO_ANSWER] and outcomes[NO_ANSWER] == figures["streams"]:
        raise LoadError(next(iter(figures["failures"])))
    return not any(outcomes[outcome] for outcome in FAILURES) and outcomes[COMPLETE] > 0


def work(worker: Worker) -> bool:
    """Read streams for a master until it has ended; return whether Locust succeeded."""
    terminal.say(f"reading streams for the master at {worker.host}:{worker.port} until it ends")
    with TemporaryDirectory() as folder:
        done = subprocess.run([sys.executable, *PROGRAM, "0", *worker_options(worker)], cwd=folder, check=False)
    return done.returncode == 0


def running(plan: Plan, program: Sequence[str] = PROGRAM) -> Generator[dict[str, Any], None, None]:
    """Yield the figures during the test. Ctrl-C ends it early; a second Ctrl-C ends it at once."""
    with TemporaryDirectory() as folder:  # in which no settings for Locust are found that belong to another project
        path = Path(folder, "locustfile.py")
        path.write_text(locustfile(plan), encoding="utf-8")
        arguments = [str(plan.duration), "--locustfile", str(path), *locust_options(plan)]
        yield from _running(plan, [sys.executable, *program, *arguments], folder)


def _running(plan: Plan, command: Sequence[str], folder: str) -> Generator[dict[str, Any], None, None]:
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # so that Ctrl-C reaches only this process, which passes it on
    )
    assert process.stdout is not None
    interrupted = last = None

    def interrupt(*_: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True
        process.send_signal(signal.SIGINT)
        terminal.say(f"ending: running streams have {plan.grace} seconds to finish; press Ctrl-C again to end them now")

    def kill() -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with the workers that it has started

    before = signal.signal(signal.SIGINT, interrupt)
    watchdog = threading.Timer(plan.duration + plan.grace + PROCESS_OVERHEAD_LIMIT_S, kill)
    watchdog.daemon = True
    if plan.master is None:  # a master waits for its workers as long as they need
        watchdog.start()
    try:
        for line in process.stdout:
            last = json.loads(line)
            yield last
    finally:
        signal.signal(signal.SIGINT, before)
        watchdog.cancel()
        kill()
        process.wait()
        process.stdout.close()
    if last is None:
        if interrupted:
            raise KeyboardInterrupt
        raise LoadError("Locust did not start: its own message is above")
