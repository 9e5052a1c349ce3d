import pytest

from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.invocation_log import InvocationLog
from lambda_streamify_emulator.sandboxes.endings import (
    Ending,
    Fault,
    exit_message,
    exit_type,
    invalid_entrypoint,
    timeout_message,
)
from tiny_runtime import reported


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (0, "Runtime exited without providing a reason"),
        (1, "Runtime exited with error: exit status 1"),
        (255, "Runtime exited with error: exit status 255"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
        (-15, "Runtime exited with error: signal: terminated"),
        (-2, "Runtime exited with error: signal: interrupt"),
    ],
)
def test_ends_are_told_as_aws_tells_them(code: int, message: str) -> None:
    assert exit_message(code) == message


@pytest.mark.parametrize(
    ("code", "error_type"), [(-9, "Runtime.OutOfMemory"), (-11, "Runtime.ExitError"), (1, "Runtime.ExitError")]
)
def test_only_a_killed_process_counts_as_out_of_memory(code: int, error_type: str) -> None:
    assert exit_type(code, out_of_memory=True) == error_type
    assert exit_type(code, out_of_memory=False) == "Runtime.ExitError"


def test_a_timeout_is_told_with_two_decimals() -> None:
    assert timeout_message(3) == "Task timed out after 3.00 seconds"
    assert timeout_message(900) == "Task timed out after 900.00 seconds"


FAULT = Fault("Extension.Crash", "exit status 1")
START_ERROR = FunctionError("Runtime.Broken", b'{"errorMessage": "x Error: broken"}')


@pytest.mark.parametrize(
    ("ending", "error_type", "message", "status"),
    [
        (
            Ending(3.0, FAULT, START_ERROR, 1, out_of_memory=True),
            "Sandbox.Timedout",
            "Task timed out after 3.00 seconds",
            "timeout",
        ),
        (Ending(None, FAULT, START_ERROR, 1, out_of_memory=True), "Extension.Crash", "exit status 1", "error"),
        (Ending(None, None, START_ERROR, 1, out_of_memory=False), "Runtime.Broken", "broken", "error"),
        (
            Ending(None, None, None, 1, out_of_memory=False),
            "Runtime.ExitError",
            "Runtime exited with error: exit status 1",
            "error",
        ),
        (
            Ending(None, None, None, -9, out_of_memory=True),
            "Runtime.OutOfMemory",
            "Runtime exited with error: signal: killed",
            "error",
        ),
    ],
)
def test_the_first_reason_is_the_invocations_error(ending: Ending, error_type: str, message: str, status: str) -> None:
    invocation = Invocation(b"{}")

    report = ending.end(invocation, InvocationLog(lambda _: None, 128), None)

    assert reported(invocation) == (error_type, message)
    assert report.status == status


def test_an_answered_invocation_stays_answered() -> None:
    invocation = Invocation(b"{}")
    invocation.channel.end()

    report = Ending(None, None, None, 1, out_of_memory=False).end(invocation, InvocationLog(lambda _: None, 128), None)

    assert invocation.channel.error is None
    assert (report.status, report.error_type) == ("success", None)


def test_an_interpreter_that_is_not_there_is_named() -> None:
    assert invalid_entrypoint(FileNotFoundError(2, "No such file", "/nil")) == Fault(
        "Runtime.InvalidEntrypoint", "/nil does not start: No such file"
    )
