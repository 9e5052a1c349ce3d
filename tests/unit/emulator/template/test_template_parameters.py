from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.parameters import parameter_values

PATH = Path("template.yaml")


def values(spec: Any, **given: str) -> dict[str, str | list[str]]:
    return parameter_values(PATH, {"Parameters": {"It": spec}}, given)


def test_what_is_given_wins_over_the_default() -> None:
    assert values({"Type": "String", "Default": "a"}) == {"It": "a"}
    assert values({"Type": "Number", "Default": 5}) == {"It": "5"}
    assert values({"Type": "String", "Default": "a"}, It="b") == {"It": "b"}
    assert values({"Type": "String", "Default": "a"}, It="") == {"It": ""}


def test_a_parameter_with_neither_is_missing() -> None:
    assert values({"Type": "String"}) == {}


@pytest.mark.parametrize("kind", ["CommaDelimitedList", "List<Number>", "AWS::SSM::Parameter::Value<List<String>>"])
def test_a_list_is_given_as_text_with_commas(kind: str) -> None:
    assert values({"Type": kind}, It="https://a, https://b") == {"It": ["https://a", "https://b"]}
    assert values({"Type": kind}, It="*") == {"It": ["*"]}
    assert values({"Type": kind}, It="") == {"It": []}


def test_the_default_of_a_list_is_one_too() -> None:
    assert values({"Type": "CommaDelimitedList", "Default": "a,b"}) == {"It": ["a", "b"]}


def test_the_name_of_a_stored_value_is_not_its_value() -> None:
    stored = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/my/parameter"}

    assert values(stored) == {}
    assert values(stored, It="its value") == {"It": "its value"}


@pytest.mark.parametrize(
    ("kind", "given"), [("String", "c"), ("CommaDelimitedList", "a,c"), ("CommaDelimitedList", "c,true")]
)
def test_a_value_that_a_deployment_would_refuse_is_refused(kind: str, given: str) -> None:
    spec = {"Type": kind, "AllowedValues": ["a", "b", True]}

    assert values(spec, It="b")
    assert values(spec, It="true")
    with pytest.raises(TemplateError) as raised:
        values(spec, It=given)
    assert str(raised.value) == "template.yaml: Parameters: It: 'c' is not among its AllowedValues: a, b, true"
