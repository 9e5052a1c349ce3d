from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.template.intrinsics import NO_VALUE, Intrinsics, text

TEMPLATE: dict[str, Any] = {
    "Mappings": {"Sizes": {"dev": {"memory": 128}, "prod": {"memory": 1024}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]},
        "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsDev"}]},
        "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsDev"}]},
        "Unknown": {"Fn::Equals": [{"Ref": "NoDefault"}, "prod"]},
        "NoCondition": "true",
    },
}
PARAMETERS: dict[str, str | list[str]] = {
    "Stage": "dev",
    "Flag": "true",
    "Tricky": "${!Stage} ${Stage}",
    "Names": ["one", "two"],
}


def intrinsics() -> Intrinsics:
    return Intrinsics(TEMPLATE, PARAMETERS, {"Hello": "hello-function"})


RESOLVED: list[tuple[object, object]] = [
    ({"Ref": "Stage"}, "dev"),
    ({"Ref": "Hello"}, "hello-function"),
    ({"Ref": "AWS::Region"}, "us-east-1"),
    ({"Ref": "AWS::NoValue"}, NO_VALUE),
    ({"Fn::Sub": "${Stage}-${Hello}-${AWS::AccountId}"}, "dev-hello-function-123456789012"),
    ({"Fn::Sub": "${!Literal} ${Stage} ${!Also this}"}, "${Literal} dev ${Also this}"),
    ({"Fn::Sub": "$ { } ${} $Stage"}, "$ { } ${} $Stage"),
    ({"Fn::Sub": "${Tricky}"}, "${!Stage} ${Stage}"),
    ({"Fn::Sub": ["${Mine}/${Stage}", {"Mine": {"Fn::Join": ["", ["a", "b"]]}}]}, "ab/dev"),
    ({"Fn::Sub": ["${Stage}", {"Stage": "inner"}]}, "inner"),
    ({"Fn::Sub": ["${Yes}", {"Yes": True}]}, "true"),
    ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, 3, True, {"Ref": "AWS::NoValue"}]]}, "a-dev-3-true"),
    ({"Fn::Join": ["+", {"Fn::Split": [",", "a,b"]}]}, "a+b"),
    ({"Fn::Split": [",", {"Ref": "Stage"}]}, ["dev"]),
    ({"Ref": "Names"}, ["one", "two"]),
    ({"Fn::Join": [",", {"Ref": "Names"}]}, "one,two"),
    ({"Fn::Select": [1, {"Ref": "Names"}]}, "two"),
    ({"Fn::Select": ["1", ["a", "b"]]}, "b"),
    ({"Fn::Select": [{"Fn::FindInMap": ["Sizes", "dev", "memory"]}, [0] * 129]}, 0),
    ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 128),
    ({"Fn::If": ["IsProd", "a", "b"]}, "b"),
    ({"Fn::If": ["IsDev", "a", "b"]}, "a"),
    ({"Fn::If": ["Both", "a", "b"]}, "b"),
    ({"Fn::If": ["Either", "a", "b"]}, "a"),
    ({"Fn::Equals": [{"Ref": "Flag"}, True]}, True),
    ({"Fn::Equals": [1, "1"]}, True),
    ({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}, {"b": [1]}),
    ({1: "a number as a key"}, {1: "a number as a key"}),
    (None, None),
    ("${Stage}", "${Stage}"),
]


@pytest.mark.parametrize(("value", "expected"), RESOLVED)
def test_what_the_template_knows_is_resolved(value: object, expected: object) -> None:
    known = intrinsics()

    assert known.resolve(value) == expected
    assert known.unresolved == set()


UNRESOLVED: list[tuple[object, str]] = [
    ({"Ref": "Absent"}, "!Ref Absent"),
    ({"Ref": ["a"]}, "!Ref ['a']"),
    ({"Fn::GetAtt": ["Table", "Arn"]}, "!GetAtt Table.Arn"),
    ({"Fn::GetAtt": ["Table", {"Ref": "X"}]}, "!GetAtt Table.{'Ref': 'X'}"),
    ({"Fn::GetAtt": "Table.Arn"}, "!GetAtt Table.Arn"),
    ({"Fn::ImportValue": "shared"}, "!ImportValue shared"),
    ({"Fn::Sub": "${Table.Arn}/x"}, "!Sub ${Table.Arn}/x"),
    ({"Fn::Sub": ["${X}", "no mapping"]}, "!Sub ['${X}', 'no mapping']"),
    ({"Fn::Sub": ["${X}", {"X": {"Ref": "AWS::NoValue"}}]}, "!Sub ['${X}', {'X': {'Ref': 'AWS::NoValue'}}]"),
    ({"Fn::Sub": 5}, "!Sub 5"),
    ({"Fn::Join": ["-"]}, "!Join ['-']"),
    ({"Fn::Join": ["-", [["nested"]]]}, "!Join ['-', [['nested']]]"),
    ({"Fn::Select": [7, ["a"]]}, "!Select [7, ['a']]"),
    ({"Fn::Select": [0, "a"]}, "!Select [0, 'a']"),
    ({"Fn::Select": [0, {"Ref": "Stage"}]}, "!Select [0, {'Ref': 'Stage'}]"),
    ({"Fn::If": ["Absent", "a", "b"]}, "!If ['Absent', 'a', 'b']"),
    ({"Fn::If": ["NoCondition", "a", "b"]}, "!If ['NoCondition', 'a', 'b']"),
    ({"Fn::FindInMap": ["Sizes", "absent", "memory"]}, "!FindInMap ['Sizes', 'absent', 'memory']"),
    ({"Fn::FindInMap": [["Sizes"], "dev", "memory"]}, "!FindInMap [['Sizes'], 'dev', 'memory']"),
]


@pytest.mark.parametrize(("value", "name"), UNRESOLVED)
def test_what_cannot_be_resolved_stays_as_it_is_and_is_named(value: object, name: str) -> None:
    known = intrinsics()

    assert known.resolve(value) == value
    assert known.unresolved == {name}


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::Join": ["", ["https://", {"Fn::GetAtt": ["Api", "Id"]}]]},
        {"Fn::Sub": ["https://${Id}", {"Id": {"Fn::GetAtt": ["Api", "Id"]}}]},
        {"Fn::Split": [",", {"Fn::GetAtt": ["Api", "Id"]}]},
        {"Fn::Equals": ["a", {"Fn::GetAtt": ["Api", "Id"]}]},
        {"Fn::Not": [{"Fn::GetAtt": ["Api", "Id"]}]},
    ],
)
def test_around_an_unresolved_argument_nothing_is_made_up_and_only_the_argument_is_named(value: object) -> None:
    known = intrinsics()

    assert known.resolve(value) == value
    assert known.unresolved == {"!GetAtt Api.Id"}


def test_a_condition_on_a_parameter_without_value_chooses_neither_branch() -> None:
    known = intrinsics()
    value = {"Fn::If": ["Unknown", "a", "b"]}

    assert known.resolve(value) == value
    assert known.unresolved == {"!Ref NoDefault"}


@pytest.mark.parametrize(
    ("resource", "there"),
    [
        ({}, True),
        ({"Condition": "IsDev"}, True),
        ({"Condition": "IsProd"}, False),
        ({"Condition": "Unknown"}, True),
        ({"Condition": "Absent"}, True),
        ({"Condition": ["IsProd"]}, True),
    ],
)
def test_a_resource_is_there_unless_its_condition_is_known_to_be_false(
    resource: dict[str, object], *, there: bool
) -> None:
    assert intrinsics().is_there(resource) is there


def test_a_template_without_mappings_and_conditions_is_no_error() -> None:
    known = Intrinsics({"Mappings": None}, {})

    known.resolve([{"Fn::FindInMap": ["a", "b", "c"]}, {"Condition": "d"}])

    assert known.unresolved == {"!FindInMap ['a', 'b', 'c']", "!Condition d"}


def test_a_scalar_is_passed_on_as_a_string() -> None:
    assert [text(value) for value in (True, False, 1, 1.5, "a", "")] == ["true", "false", "1", "1.5", "a", ""]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["Stage", "IsProd", "AWS::NoValue", "${Stage}", "-"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Ref", "Condition", "a"]) | st.integers(), inner, max_size=2)
        | st.builds(
            lambda name, argument: {f"Fn::{name}": argument},
            st.sampled_from(["Sub", "Join", "Select", "Split", "If", "FindInMap", "Equals", "And", "Not", "GetAtt"]),
            inner,
        )
    ),
)


@given(values)
def test_no_value_makes_resolve_raise(value: object) -> None:
    intrinsics().resolve(value)
