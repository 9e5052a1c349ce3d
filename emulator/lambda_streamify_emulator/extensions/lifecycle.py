"""The events of init and of invocations, in the order in which Lambda sends them.

Source: `rapid/handlers.go` of AWS's Runtime Interface Emulator.
"""

import time
from dataclasses import dataclass

from ..invocations.invocation import Invocation
from ..invocations.invocation_log import Report
from ..template.reader import Function
from . import records
from .records import Clocks
from .telemetry import Telemetry


@dataclass
class _Running:
    invocation: Invocation
    started: float
    ready: float | None = None
    """When the runtime has finished it."""


class Lifecycle:
    """Reports init and invocations to the subscribers of one sandbox."""

    def __init__(self, telemetry: Telemetry, function: Function) -> None:
        self._telemetry = telemetry
        self._function = function
        self._created = time.monotonic()
        self._running: dict[str, _Running] = {}  # from START to the report, by request id

    def init_started(self) -> None:
        """Report the start of init."""
        self._telemetry.emit("platform.initStart", records.init_start(self._function))

    def runtime_initialized(self, error_type: str | None = None) -> None:
        """Report the end of init, or its failure, for the runtime."""
        self._telemetry.emit("platform.initRuntimeDone", records.init_runtime_done(error_type))

    def init_ended(self, error_type: str | None = None) -> None:
        """Report the end of init, or its failure, for the runtime and the extensions."""
        record = records.init_report(time.monotonic() - self._created, error_type)
        self._telemetry.emit("platform.initReport", record)

    def started(self, invocation: Invocation) -> None:
        """Report that the runtime gets an event, if anybody wants to know about this invocation."""
        if not self._telemetry.is_read:
            return  # nor will it be: nothing about this invocation is reported
        self._running[invocation.request_id] = _Running(invocation, time.monotonic())
        self._telemetry.emit("platform.start", records.start(invocation))

    def runtime_done(
        self, error_type: str | None = None, *, timed_out: bool = False, only: Invocation | None = None
    ) -> None:
        """Report, once for each invocation, that the runtime has finished it, or that the platform has ended it.

        This applies to all that run, or to `only` one.
        """
        for request_id, running in self._running.items():
            if running.ready is None and (only is None or only.request_id == request_id):
                self._report_done(running, error_type, timed_out=timed_out)

    def _report_done(self, running: _Running, error_type: str | None, *, timed_out: bool) -> None:
        running.ready = time.monotonic()
        now = Clocks(time.time(), running.ready)
        record = records.runtime_done(running.invocation, running.started, now, error_type, timed_out=timed_out)
        self._telemetry.emit("platform.runtimeDone", record)
        if error_type is not None:
            self._telemetry.emit("platform.fault", f"RequestId: {running.invocation.request_id} Error: {error_type}")

    def ended(self, report: Report, *, has_extensions: bool) -> None:
        """Report the end of an invocation for the runtime and the extensions."""
        running = self._running.pop(report.request_id, None)
        if running is None:
            return
        self._telemetry.emit("platform.end", {"requestId": report.request_id})
        spans = []
        if has_extensions and running.ready is not None:
            now = Clocks(time.time(), time.monotonic())
            spans.append(now.span("extensionOverhead", running.ready, now.monotonic))
        self._telemetry.emit("platform.report", records.report(running.invocation, report, spans))
