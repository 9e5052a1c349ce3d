import json
from base64 import b64encode

import pytest

from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.runtime_api.error_reports import (
    ERROR_BODY,
    ERROR_TYPE,
    INVALID_BODY,
    WITH_CAUSE,
    error_type,
    reported_error,
    too_large,
    trailed_error,
)

REPORT = b'{"errorMessage": "no", "errorType": "ValueError"}'
ENCODED = b64encode(REPORT).decode()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, "Unhandled"),
        ("Function.ValueError", "Function.ValueError"),
        ("Runtime.ImportModuleError", "Runtime.ImportModuleError"),
        ("Runtime.StreamError.ValueError", "Runtime.StreamError.ValueError"),
        ("my.Function.Error", "my.Function.Error"),  # Lambda's pattern is not anchored
        ("Function.my_error", "Function.Unknown"),
        ("Function.", "Function.Unknown"),
        ("Function.E", "Function.Unknown"),  # one letter is too short
        ("ValueError", "Runtime.Unknown"),
        ("unhandled", "Runtime.Unknown"),
        ("", "Runtime.Unknown"),
    ],
)
def test_the_types_of_reports_are_normalised_as_lambda_does_it(name: str | None, expected: str) -> None:
    assert error_type(name) == expected


def test_a_report_is_passed_on_as_it_is() -> None:
    assert reported_error({ERROR_TYPE: "Function.A", "content-type": "x"}, b"\xff") == FunctionError(
        "Function.Unknown", b"\xff"
    )
    assert reported_error({}, REPORT) == FunctionError("Unhandled", REPORT)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            {"errorMessage": "é", "errorType": "T", "stackTrace": ["a"], "errorCause": {"paths": []}, "other": 1},
            '{"errorMessage":"é","errorType":"T","stackTrace":["a"]}'.encode(),
        ),
        ({"errorMessage": "m"}, b'{"errorMessage":"m","errorType":""}'),
        ({"stackTrace": []}, b'{"errorMessage":"","errorType":""}'),
        ({"errorMessage": 1}, INVALID_BODY),
        ({"stackTrace": "abc"}, INVALID_BODY),
        ({"stackTrace": [1]}, INVALID_BODY),
        ([], INVALID_BODY),
    ],
)
def test_the_cause_inside_a_report_is_dropped(body: object, expected: bytes) -> None:
    headers = {"content-type": WITH_CAUSE, ERROR_TYPE: "Function.Error"}

    assert reported_error(headers, json.dumps(body).encode()) == FunctionError("Function.Error", expected)


@pytest.mark.parametrize("body", [b"", b"nope", b"\xff", b"[" * 100_000])
def test_a_report_with_a_cause_must_be_json(body: bytes) -> None:
    assert reported_error({"content-type": WITH_CAUSE}, body).details == INVALID_BODY


@pytest.mark.parametrize(
    ("trailers", "expected"),
    [
        ({}, None),
        ({ERROR_BODY: ENCODED}, None),
        ({ERROR_TYPE: "", ERROR_BODY: ENCODED}, None),
        ({ERROR_TYPE: "Function.Error", ERROR_BODY: ENCODED}, FunctionError("Function.Error", REPORT)),
        ({ERROR_TYPE: "ValueError"}, FunctionError("ValueError", b"")),
        ({ERROR_TYPE: "InvalidException", ERROR_BODY: ENCODED}, FunctionError("InvalidException", REPORT)),
        ({ERROR_TYPE: "Function.my_error"}, FunctionError("Function.my_error", b"")),
        ({ERROR_TYPE: "42"}, FunctionError("42", b"")),
        ({ERROR_TYPE: "Runtime.Custom", ERROR_BODY: "no base64!"}, FunctionError("Runtime.Custom", b"")),
        ({ERROR_TYPE: "Runtime.Custom", ERROR_BODY: ENCODED[:-1]}, FunctionError("Runtime.Custom", b"")),
        ({ERROR_TYPE: "Runtime.Custom", ERROR_BODY: "ü"}, FunctionError("Runtime.Custom", b"")),
    ],
)
def test_trailers_are_the_error_with_its_type_as_it_is_and_its_report_decoded(
    trailers: dict[str, str], expected: FunctionError | None
) -> None:
    assert trailed_error(trailers) == expected


def test_what_is_too_large_is_reported_as_aws_words_it() -> None:
    assert too_large(6291556) == FunctionError(
        "Function.ResponseSizeTooLarge",
        b'{"errorType":"Function.ResponseSizeTooLarge",'
        b'"errorMessage":"Response payload size exceeded maximum allowed payload size (6291556 bytes)."}',
    )
