from dataclasses import replace
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import EmulatorError
from lambda_streamify_emulator.template.env_vars import with_env_vars
from lambda_streamify_emulator.template.reader import Function, Template

FUNCTION = Function(
    "hello", "HelloFunction", "app.handler", "python3.12", Path(), 3, 128, {"A": "1", "B": "2"}, (), None, unset=("C",)
)
TEMPLATE = Template((FUNCTION, replace(FUNCTION, name="other", logical_id="Other")))


def variables(folder: Path, text: str) -> tuple[list[dict[str, str]], list[str]]:
    """Return the variables of both functions, and the messages."""
    file = folder / "env.json"
    file.write_text(text)
    template, notices = with_env_vars(TEMPLATE, file)
    return [dict(function.environment) for function in template.functions], [
        notice.removeprefix(f"{file}: ") for notice in notices
    ]


@pytest.mark.parametrize("name", ["hello", "HelloFunction"])
def test_a_function_is_meant_by_its_name_or_its_logical_id(tmp_path: Path, name: str) -> None:
    text = f'{{"{name}": {{"B": "two", "C": "three"}}}}'

    assert variables(tmp_path, text) == ([{"A": "1", "B": "two", "C": "three"}, {"A": "1", "B": "2"}], [])


def test_parameters_are_for_all_functions_and_a_functions_own_win(tmp_path: Path) -> None:
    text = '{"Parameters": {"A": "all", "B": "all", "X": "nobody"}, "Other": {"B": "own"}}'

    assert variables(tmp_path, text) == ([{"A": "all", "B": "all"}, {"A": "all", "B": "own"}], [])


def test_values_are_text(tmp_path: Path) -> None:
    assert variables(tmp_path, '{"hello": {"A": 7, "B": true}}')[0][0] == {"A": "7", "B": "true"}


def test_what_no_function_takes_is_named(tmp_path: Path) -> None:
    text = '{"hello": {"X": "x"}, "absent": {"A": "x"}}'
    unused = "hello has no variable X in the template, so it does not get one"

    assert variables(tmp_path, text)[1] == ["no function is named absent", unused]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is not JSON: Expecting property name"),
        ("[]", 'write it as {"FUNCTION": {"NAME": "value"}}, with Parameters for all functions'),
        ('{"A": "1"}', 'write it as {"FUNCTION": {"NAME": "value"}}, with Parameters for all functions'),
        ('{"hello": {"A": null}}', "hello: A: it is "),
        ('{"hello": {"A-B": "x"}}', "hello: 'A-B' is not a name of letters, digits and _ for a variable"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(EmulatorError) as raised:
        variables(tmp_path, text)

    assert str(raised.value).startswith(f"--env-vars {tmp_path / 'env.json'}: {message}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmulatorError, match=r"^--env-vars .*: it cannot be read: Is a directory$"):
        with_env_vars(TEMPLATE, tmp_path)
