from typing import Any

import botocore
import pytest
from botocore.session import get_session

from lambda_streamify_emulator.lambda_api.references import (
    InvalidReferenceError,
    MismatchedQualifierError,
    Reference,
    read_reference,
)

ARN = "arn:aws:lambda:us-east-1:123456789012:function"
INVOKE: Any = get_session().get_service_model("lambda").operation_model("Invoke")
MEMBERS = INVOKE.input_shape.members
PATTERN, QUALIFIERS = (MEMBERS[name].metadata["pattern"] for name in ("FunctionName", "Qualifier"))
ITS = "failed to satisfy constraint: Member must"

needs_new_model = pytest.mark.skipif(
    tuple(map(int, botocore.__version__.split(".")[:2])) < (1, 43),
    reason=f"botocore {botocore.__version__} has the patterns of an older model of the Lambda API",
)


@pytest.mark.parametrize(
    ("text", "name", "qualifier"),
    [
        ("hello", "hello", None),
        ("hello:live", "hello", "live"),
        ("hello:$LATEST", "hello", "$LATEST"),
        ("123456789012:function:hello", "hello", None),
        ("123456789012:function:hello:7", "hello", "7"),
        (f"{ARN}:hello", "hello", None),
        (f"{ARN}:hello:live", "hello", "live"),
        ("function", "function", None),
        ("function:live", "function", "live"),
        ("123456789012:function:function", "function", None),
        (f"{ARN}:function:function", "function", "function"),
    ],
)
def test_a_function_is_named_by_its_name_or_a_part_of_its_arn(text: str, name: str, qualifier: str | None) -> None:
    assert read_reference(text) == Reference(name, qualifier)
    assert read_reference(text, qualifier) == Reference(name, qualifier)


def test_the_qualifier_may_stand_beside_the_name() -> None:
    assert read_reference("hello", "live") == Reference("hello", "live")


@needs_new_model
@pytest.mark.parametrize(
    "text",
    [
        "",
        "function:",
        ":function:",
        "a b",
        "hello:",
        "a/b",
        "hällo",
        "hello\n",
        "arn:aws:s3:::hello",
        "\u0661",
        f"{ARN}@x:f",
    ],
)
def test_a_name_of_another_form_is_refused_with_the_pattern(text: str) -> None:
    with pytest.raises(InvalidReferenceError) as raised:
        read_reference(text)
    problem = f"Value '{text}' at 'functionName' {ITS} satisfy regular expression pattern: {PATTERN}"
    assert str(raised.value) == f"1 validation error detected: {problem}"


@needs_new_model
def test_all_problems_are_reported_together() -> None:
    name = "f" * 256 + "!"
    with pytest.raises(InvalidReferenceError) as raised:
        read_reference(name, "q!")
    assert str(raised.value) == (
        f"3 validation errors detected: Value '{name}' at 'functionName' {ITS} have length less than or equal to 256; "
        f"Value '{name}' at 'functionName' {ITS} satisfy regular expression pattern: {PATTERN}; "
        f"Value 'q!' at 'qualifier' {ITS} satisfy regular expression pattern: {QUALIFIERS}"
    )


@needs_new_model
@pytest.mark.parametrize("member", ["FunctionName", "Qualifier"])
def test_the_length_limits_are_those_of_the_model(member: str) -> None:
    longest = MEMBERS[member].metadata["max"]
    for length in (longest, longest + 1):
        value = "f" * length
        arguments = (value,) if member == "FunctionName" else ("hello", value)
        if length == longest:
            assert value in read_reference(*arguments)
        else:
            with pytest.raises(InvalidReferenceError, match=f"less than or equal to {longest}$"):
                read_reference(*arguments)


def test_two_qualifiers_that_differ_are_refused() -> None:
    with pytest.raises(MismatchedQualifierError, match=r"^The derived qualifier from the function name does not match"):
        read_reference("hello:live", "7")
