import re
from inspect import getdoc, getmembers, isclass

import pytest

from lambda_streamify import errors


def tree_in_docstring() -> dict[str, str]:
    """Return each class in the docstring's tree with its parent."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in (getdoc(errors) or "").splitlines():
        drawn = re.match(r" {4}([│├└─ ]*)([A-Z]\w+)( |$)", line)
        if drawn and (drawn[1] or drawn[2] == "StreamifyError"):
            depth = len(drawn[1]) // 4
            above[depth:] = [drawn[2]]
            parents[drawn[2]] = above[depth - 1] if depth else "Exception"
    return parents


def test_the_tree_in_the_docstring_is_the_tree_in_the_module() -> None:
    classes = [value for _, value in getmembers(errors, isclass) if value.__module__ == errors.__name__]

    assert tree_in_docstring() == {each.__name__: each.__bases__[0].__name__ for each in classes}


@pytest.mark.parametrize(("name", "builtin"), [("ResponseError", ValueError), ("ChunkTypeError", TypeError)])
def test_handler_errors_are_builtin_errors_too(name: str, builtin: type[Exception]) -> None:
    error = getattr(errors, name)("why")

    assert isinstance(error, builtin)
    assert f"also a {builtin.__name__}" in (getdoc(errors) or "")


def test_a_runtime_fault_has_a_name_and_no_stack_trace_unless_given() -> None:
    fault = errors.RuntimeFault("Runtime.MarshalError", "why")

    assert (fault.error_type, str(fault), fault.stack_trace) == ("Runtime.MarshalError", "why", [])
    assert errors.RuntimeFault("Runtime.UserCodeSyntaxError", "why", ["line"]).stack_trace == ["line"]


def test_a_refused_request_says_which_and_quotes_the_answer() -> None:
    error = errors.RequestRefused("next", 403, b'{"errorType":"InvalidStateTransition"}\n')

    assert str(error) == 'the Runtime API answered 403 to next: {"errorType":"InvalidStateTransition"}'
    assert error.status == 403


def test_a_refused_request_quotes_little_of_a_long_answer_that_is_no_text() -> None:
    message = str(errors.RequestRefused("next", 500, b"\xff" * 1000))

    assert message == "the Runtime API answered 500 to next: " + "\N{REPLACEMENT CHARACTER}" * 200
