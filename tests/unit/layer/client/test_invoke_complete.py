"""How a stream of Lambda's API ended. test_received_stream.py shows what a caller sees of it."""

import pytest

from lambda_streamify.client._invoke_complete import broke_off, decoded, reported


@pytest.mark.parametrize(
    ("details", "told", "expected"),
    [
        ('{"errorMessage": "no", "errorType": "E"}', "E: no", {"errorMessage": "no", "errorType": "E"}),
        ("plain", "E: plain", "plain"),
        (None, "E", None),
    ],
)
def test_an_error_code_is_an_error_with_its_details(details: str | None, told: str, expected: object) -> None:
    failure = reported({"ErrorCode": "E", "ErrorDetails": details}, "log")

    assert failure is not None
    assert str(failure) == f"the function failed: {told}"
    assert (failure.error_code, failure.error_details, failure.log_result) == ("E", expected, "log")


@pytest.mark.parametrize("complete", [{}, {"ErrorCode": None}, {"ErrorCode": ""}])
def test_an_end_without_a_code_is_no_error(complete: dict[str, str | None]) -> None:
    assert reported(complete, None) is None


def test_a_stream_that_breaks_off_has_the_error_of_the_sdk() -> None:
    error = OSError("reset")

    assert broke_off(error).__cause__ is error
    assert broke_off(None).__cause__ is None


def test_a_log_is_decoded() -> None:
    assert decoded("xb4K") == "ž\n"
    assert decoded(None) is None
