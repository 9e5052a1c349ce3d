"""The records of the platform's events, without I/O.

Sources: AWS Lambda Developer Guide, "Lambda Telemetry API Event schema reference"; for what the guide leaves open,
`interop/events_api.go` and `rapid/handlers.go` of AWS's Runtime Interface Emulator.
"""

from dataclasses import dataclass
from typing import Any

from ..invocations.invocation import Invocation
from ..invocations.invocation_log import Report
from ..template.reader import Function
from .registrations import Extension
from .telemetry import timestamp

Record = dict[str, Any]
_INIT = {"initializationType": "on-demand", "phase": "init"}


@dataclass(frozen=True)
class Clocks:
    """The same moment on two clocks, in seconds: since the epoch, and monotonic."""

    wall: float
    monotonic: float

    def span(self, name: str, start: float, end: float) -> Record:
        """Return a span between two times of the monotonic clock."""
        return {
            "name": name,
            "start": timestamp(self.wall - (self.monotonic - start)),
            "durationMs": milliseconds(end - start),
        }


def milliseconds(seconds: float) -> float:
    """Return a duration as the events have it."""
    return round(seconds * 1000, 3)


def init_start(function: Function) -> Record:
    """Return the record of platform.initStart."""
    memory = function.memory * 1024**2
    return {**_INIT, "functionName": function.name, "functionVersion": "$LATEST", "instanceMaxMemory": memory}


def init_runtime_done(error_type: str | None) -> Record:
    """Return the record of platform.initRuntimeDone."""
    return {**_INIT, **_status(error_type)}


def init_report(seconds: float, error_type: str | None) -> Record:
    """Return the record of platform.initReport."""
    return {**_INIT, **_status(error_type), "metrics": {"durationMs": milliseconds(seconds)}}


def extension_init(extension: Extension) -> Record:
    """Return the record of platform.extension."""
    record = {"name": extension.name, "state": extension.state, "events": list(extension.events)}
    return {**record, "errorType": extension.error_type} if extension.error_type else record


def tracing(invocation: Invocation) -> Record:
    """Return the field for the trace, if there is one."""
    if not invocation.trace_id:
        return {}
    return {"tracing": {"type": "X-Amzn-Trace-Id", "value": invocation.trace_id}}


def start(invocation: Invocation) -> Record:
    """Return the record of platform.start."""
    return {"requestId": invocation.request_id, "version": "$LATEST", **tracing(invocation)}


def runtime_done(
    invocation: Invocation, started: float, now: Clocks, error_type: str | None = None, *, timed_out: bool = False
) -> Record:
    """Return the record of platform.runtimeDone. `started` is when the runtime got the event (monotonic clock)."""
    metrics, spans = invocation.metrics, []
    if metrics.began is not None:
        spans.append(now.span("responseLatency", started, metrics.began))
        if metrics.ended is not None:
            spans.append(now.span("responseDuration", metrics.began, metrics.ended))
            spans.append(now.span("runtimeOverhead", metrics.ended, now.monotonic))
    figures = {"durationMs": milliseconds(now.monotonic - started), "producedBytes": metrics.produced_bytes}
    status = {"status": "timeout"} if timed_out else _status(error_type)
    return {"requestId": invocation.request_id, **status, "metrics": figures, "spans": spans, **tracing(invocation)}


def report(invocation: Invocation, content: Report, spans: list[Record]) -> Record:
    """Return the record of platform.report, with the content of the REPORT line."""
    metrics: Record = {
        "durationMs": round(content.duration, 3),
        "billedDurationMs": content.billed_duration,
        "memorySizeMB": content.memory_size,
    }
    if content.memory_used is not None:
        metrics["maxMemoryUsedMB"] = content.memory_used
    if content.init_duration is not None:
        metrics["initDurationMs"] = round(content.init_duration, 3)
    status = {"status": "timeout"} if content.status == "timeout" else _status(content.error_type)
    record = {"requestId": content.request_id, **status, "metrics": metrics, **tracing(invocation)}
    return {**record, "spans": spans} if spans else record


def _status(error_type: str | None) -> Record:
    if error_type is None:
        return {"status": "success"}
    return {"status": "failure" if error_type.startswith("Sandbox.") else "error", "errorType": error_type}
