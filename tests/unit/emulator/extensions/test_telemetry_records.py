from pathlib import Path

from lambda_streamify_emulator.extensions import records
from lambda_streamify_emulator.extensions.records import Clocks
from lambda_streamify_emulator.extensions.registrations import Extension
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.invocation_log import Report
from lambda_streamify_emulator.template.reader import Function

FUNCTION = Function("hello", "Hello", "app.handler", "python3.12", Path(), 3, 128, {}, (), None)
INIT = {"initializationType": "on-demand", "phase": "init"}
TRACE = {"tracing": {"type": "X-Amzn-Trace-Id", "value": "Root=1"}}


def answered() -> Invocation:
    """Return an invocation whose response began at 101 s, had 16 bytes and ended at 103 s."""
    invocation = Invocation(b"{}", trace_id="Root=1", request_id="id")
    invocation.metrics.begin(101.0)
    invocation.metrics.add(16)
    invocation.metrics.end(103.0)
    return invocation


def test_init_has_its_three_events() -> None:
    names = {"functionName": "hello", "functionVersion": "$LATEST"}
    assert records.init_start(FUNCTION) == {**INIT, **names, "instanceMaxMemory": 128 * 1024**2}
    assert records.init_runtime_done(None) == {**INIT, "status": "success"}
    assert records.init_report(0.12345678, None) == {**INIT, "status": "success", "metrics": {"durationMs": 123.457}}
    failed = {**INIT, "status": "error", "errorType": "Extension.Crash"}
    assert records.init_runtime_done("Extension.Crash") == failed


def test_the_end_of_the_runtimes_work_has_the_times_of_the_response() -> None:
    now = Clocks(wall=1_600_000_004.0, monotonic=104.0)

    assert records.runtime_done(answered(), 100.0, now) == {
        "requestId": "id",
        "status": "success",
        "metrics": {"durationMs": 4000.0, "producedBytes": 16},
        "spans": [
            {"name": "responseLatency", "start": "2020-09-13T12:26:40.000Z", "durationMs": 1000.0},
            {"name": "responseDuration", "start": "2020-09-13T12:26:41.000Z", "durationMs": 2000.0},
            {"name": "runtimeOverhead", "start": "2020-09-13T12:26:43.000Z", "durationMs": 1000.0},
        ],
        **TRACE,
    }


def test_what_the_platform_has_ended_says_why() -> None:
    silent, now = Invocation(b"{}", trace_id="", request_id="id"), Clocks(0.0, 1.0)
    rest = {"requestId": "id", "metrics": {"durationMs": 1000.0, "producedBytes": 0}, "spans": []}

    crash = records.runtime_done(silent, 0.0, now, "Runtime.ExitError")
    assert crash == {**rest, "status": "error", "errorType": "Runtime.ExitError"}
    failure = records.runtime_done(silent, 0.0, now, "Sandbox.Failure")
    assert failure == {**rest, "status": "failure", "errorType": "Sandbox.Failure"}
    assert records.runtime_done(silent, 0.0, now, "Sandbox.Timedout", timed_out=True) == {**rest, "status": "timeout"}


def test_a_report_has_what_the_line_has() -> None:
    report = Report("id", 12.3456, 413, 128, 33, 400.1234)

    assert records.report(answered(), report, [{"name": "extensionOverhead"}]) == {
        "requestId": "id",
        "status": "success",
        "metrics": {
            "durationMs": 12.346,
            "billedDurationMs": 413,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 33,
            "initDurationMs": 400.123,
        },
        "spans": [{"name": "extensionOverhead"}],
        **TRACE,
    }
    warm = records.report(answered(), Report("id", 1.0, 1, 128, None, None, "timeout"), [])
    metrics = {"durationMs": 1.0, "billedDurationMs": 1, "memorySizeMB": 128}
    assert warm == {"requestId": "id", "status": "timeout", "metrics": metrics, **TRACE}


def test_an_extension_is_told_of_with_its_error_if_it_has_one() -> None:
    agent = Extension("agent", is_external=True, state="Ready", events=("INVOKE",))
    told = {"name": "agent", "state": "Ready", "events": ["INVOKE"]}

    assert records.extension_init(agent) == told
    agent.error_type = "Extension.NoKey"
    assert records.extension_init(agent) == {**told, "errorType": "Extension.NoKey"}
