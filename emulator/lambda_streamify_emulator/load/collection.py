"""The figures of a running test: those of this process, and in Locust's master those of all its workers."""

from __future__ import annotations

import inspect
import sys
import time
from typing import TYPE_CHECKING, Any

from .clock import Clock
from .figures import LoadFigures
from .report import table, warnings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from locust.event import Events
    from locust.runners import Runner

    from .dispatcher import Dispatcher

LAG_INTERVAL_S = 0.01
_KEY = "lambda_streamify"  # in the reports that Locust's workers send


class Collection:
    """Collects what the users of this process measure. A worker sends it to its master and starts anew."""

    def __init__(self) -> None:
        self.prints_table = True
        """Whether to print the figures as a table when Locust ends."""
        self.latest, self._total = LoadFigures(), LoadFigures()
        self._dispatchers: dict[type, Dispatcher] = {}
        self._advanced_at = time.monotonic()
        self.clock = Clock()
        self._runner: Runner | None = None
        self._lag_meter: Any = None

    def listen(self, events: Events) -> None:
        """Register with Locust's events."""
        listeners = {
            events.init: self._on_init,
            events.test_start: self._on_test_start,
            events.test_stopping: self._on_test_stopping,
            events.test_stop: self._on_test_stop,
            events.report_to_master: self._on_report_to_master,
            events.worker_report: self._on_worker_report,
            events.quit: self._on_quit,
        }
        for event, listener in listeners.items():
            event.add_listener(listener)  # type: ignore[no-untyped-call]

    def dispatcher(self, user_class: type, rate: float) -> Dispatcher:
        """Return what gives the users of this class their requests, at this rate for each user."""
        from .dispatcher import Dispatcher

        if user_class not in self._dispatchers:
            self._dispatchers[user_class] = Dispatcher(rate)
        return self._dispatchers[user_class]

    def advance(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return all figures so far, and those since the last call alone."""
        latest, self.latest = self.latest, LoadFigures()
        self._total.merge(latest.state())
        now = time.monotonic()
        since, self._advanced_at = now - self._advanced_at, now
        return self._total.as_dict(self.clock.seconds), latest.as_dict(since)

    @property
    def has_ended(self) -> bool:
        """Whether the test is over, so that no further request may be sent."""
        return self.clock.stopped_at is not None

    def end(self) -> None:
        """Stop the clock, and send no further requests; streams still come to their ends."""
        self.clock.stop()
        while self._dispatchers:
            _, dispatcher = self._dispatchers.popitem()
            self.latest.add_not_started(dispatcher.stop())

    def _clear(self) -> None:
        self.latest, self._total = LoadFigures(), LoadFigures()
        self._dispatchers = {}
        self._advanced_at = time.monotonic()
        self.clock = Clock()

    def _on_init(self, runner: Runner, **_: Any) -> None:
        self._runner = runner
        inspect.stack()  # Locust calls it when the test ends; the first call holds all streams up for some time

    def _on_test_start(self, **_: Any) -> None:
        from locust.runners import MasterRunner

        self._clear()
        if not isinstance(self._runner, MasterRunner):  # it reads no streams
            import gevent

            self.clock.start()
            self._lag_meter = gevent.spawn(self._measure_lag)

    def _on_test_stopping(self, **_: Any) -> None:
        self.end()

    def _on_test_stop(self, **_: Any) -> None:
        if self._lag_meter is not None:
            self._lag_meter.kill()

    def _on_report_to_master(self, data: dict[str, Any], **_: Any) -> None:
        data[_KEY] = {**self.latest.state(), "seconds": self.clock.seconds}
        self.latest = LoadFigures()

    def _on_worker_report(self, data: Mapping[str, Any], **_: Any) -> None:
        if _KEY in data:
            self.latest.merge(data[_KEY])
            if data[_KEY]["seconds"]:
                self.clock.start(data[_KEY]["seconds"])

    def _on_quit(self, **_: Any) -> None:
        from locust.runners import WorkerRunner

        if self.prints_table and self._runner is not None and not isinstance(self._runner, WorkerRunner):
            figures, _ = self.advance()
            lines = [*table(figures), *(f"warning: {warning}" for warning in warnings(figures))]
            print("\n".join(lines), file=sys.stderr)  # noqa: T201 - on standard output Locust may have printed JSON

    def _measure_lag(self) -> None:
        """Sleep again and again, and add how much longer it took than asked."""
        import gevent

        while True:
            before = time.monotonic()
            gevent.sleep(LAG_INTERVAL_S)
            late = time.monotonic() - before - LAG_INTERVAL_S
            self.latest.add_lag(max(0, round(late * 1_000_000)))


COLLECTION = Collection()
