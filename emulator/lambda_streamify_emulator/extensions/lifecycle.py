"""The events of init and of invocations, in the order in which Lambda sends them.

Source: `rapid/handlers.go` of AWS's Runtime Interface Emulator.
"""

import time

from ..invocations.invocation import Invocation
from ..invocations.invocation_log import Report
from ..template.reader import Function
from . import records
from .records import Clocks
from .telemetry import Telemetry


class Lifecycle:
    """Reports init and invocations to the subscribers of one sandbox."""

    def __init__(self, telemetry: Telemetry, function: Function) -> None:
        self._telemetry = telemetry
        self._function = function
        self._created = time.monotonic()
        self._invocation: Invocation | None = None  # the current one, from START to its report
        self._started = 0.0
        self._ready: float | None = None  # when the runtime has finished the current invocation

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
        self._invocation, self._started, self._ready = invocation, time.monotonic(), None
        self._telemetry.emit("platform.start", records.start(invocation))

    def runtime_done(self, error_type: str | None = None, *, timed_out: bool = False) -> None:
        """Report, once for each invocation, that the runtime has finished it, or that the platform has ended it."""
        if self._invocation is None or self._ready is not None:
            return
        self._ready = time.monotonic()
        now = Clocks(time.time(), self._ready)
        record = records.runtime_done(self._invocation, self._started, now, error_type, timed_out=timed_out)
        self._telemetry.emit("platform.runtimeDone", record)
        if error_type is not None:
            self._telemetry.emit("platform.fault", f"RequestId: {self._invocation.request_id} Error: {error_type}")

    def ended(self, report: Report, *, has_extensions: bool) -> None:
        """Report the end of the invocation for the runtime and the extensions."""
        invocation, self._invocation = self._invocation, None
        if invocation is None:
            return
        self._telemetry.emit("platform.end", {"requestId": invocation.request_id})
        spans = []
        if has_extensions and self._ready is not None:
            now = Clocks(time.time(), time.monotonic())
            spans.append(now.span("extensionOverhead", self._ready, now.monotonic))
        self._telemetry.emit("platform.report", records.report(invocation, report, spans))
