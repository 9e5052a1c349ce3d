"""The process in which `streamify load` runs Locust.

It is a separate process because Locust uses gevent, which patches much of the standard library when it is imported. It
takes the duration of the test in seconds and Locust's options. Once per second and at the end it prints the figures as
a line of JSON: those so far, and as `latest` those since the line before.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from locust.env import Environment
    from locust.runners import Runner

    from .collection import Collection

INTERVAL_S = 1
WORKER_END_TIMEOUT_S = 10  # in addition to the time that streams have to end


def main() -> None:
    """Run Locust with this process's arguments."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until a test runs that could be stopped cleanly
    duration = float(sys.argv.pop(1))
    logging.basicConfig(level=logging.WARNING, format="Locust: %(message)s")
    import locust  # first, because gevent must patch sockets before another module imports them
    from locust import runners
    from locust.main import main as locust_main

    runners.WORKER_REPORT_INTERVAL = INTERVAL_S

    def begin(environment: Environment, runner: Runner, **_: Any) -> None:
        from .collection import COLLECTION

        COLLECTION.prints_table = False
        if isinstance(runner, runners.WorkerRunner):
            signal.signal(signal.SIGINT, signal.default_int_handler)
        else:
            _Test(environment, runner, COLLECTION, duration)

    locust.events.init.add_listener(begin)  # type: ignore[no-untyped-call]
    sys.argv[1:1] = ["--skip-log-setup"]
    locust_main()  # type: ignore[no-untyped-call]


class _Test:
    """Prints the figures during a test, and ends it after its duration or at Ctrl-C.

    Locust's own `--run-time` is not enough: its master takes the reports that workers send within half a second of the
    end, and streams may need longer.
    """

    def __init__(self, environment: Environment, runner: Runner, collection: Collection, duration: float) -> None:
        import gevent
        from gevent.event import Event

        self._environment, self._runner, self._collection, self._duration = environment, runner, collection, duration
        self._interrupted = Event()
        gevent.signal_handler(signal.SIGINT, self._interrupted.set)
        environment.events.test_start.add_listener(self._on_test_start)  # type: ignore[no-untyped-call]
        environment.events.quit.add_listener(self._print)  # type: ignore[no-untyped-call]

    def _on_test_start(self, **_: Any) -> None:
        import gevent

        gevent.spawn(self._watch)

    def _watch(self) -> None:
        clock = self._collection.clock
        while (left := self._duration - clock.seconds) > 0 and not self._interrupted.wait(min(INTERVAL_S, left)):
            self._print()
        self._collection.end()
        self._end_workers()
        self._runner.quit()
        if self._environment.web_ui is not None:
            self._environment.web_ui.stop()  # type: ignore[no-untyped-call]

    def _end_workers(self) -> None:
        """Have each worker stop its users, report and quit, and wait until all have."""
        import gevent
        from locust.runners import STATE_STOPPING, MasterRunner

        if not isinstance(self._runner, MasterRunner):
            return
        self._runner.update_state(STATE_STOPPING)  # or the other workers would get the users of those that quit
        self._runner.send_message("quit")
        deadline = time.monotonic() + self._environment.stop_timeout + WORKER_END_TIMEOUT_S
        while self._runner.worker_count and time.monotonic() < deadline:
            gevent.sleep(0.05)

    def _print(self, **_: Any) -> None:
        so_far, latest = self._collection.advance()
        print_figures({**so_far, "latest": latest})


def print_figures(figures: dict[str, Any]) -> None:
    """Print the figures so far, for the parent process."""
    try:
        print(json.dumps(figures), flush=True)  # noqa: T201 - for the parent process
    except BrokenPipeError:  # the parent has exited
        sys.stderr.close()
        sys.exit(1)


if __name__ == "__main__":
    main()
