import pytest

from lambda_streamify_emulator.sandboxes.endings import exit_message, exit_type, timeout_message


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


def test_an_end_for_want_of_memory_has_a_type_of_its_own() -> None:
    assert exit_type(out_of_memory=False) == "Runtime.ExitError"
    assert exit_type(out_of_memory=True) == "Runtime.OutOfMemory"


def test_a_timeout_is_told_with_two_decimals() -> None:
    assert timeout_message(3) == "Task timed out after 3.00 seconds"
    assert timeout_message(900) == "Task timed out after 900.00 seconds"
