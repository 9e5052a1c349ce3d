from pathlib import Path

import pytest

from checked_template import EVENT, GOOD, LAYERS, MODE, RUNTIME, TIMEOUT, WRAPPER, check, the_one, with_change

PARAMETER = "Parameters: {Given: {Type: String}}\n"
PLACES = [
    (LAYERS, "      Layers: [!Ref Given]\n", "entry 1 of Layers"),
    (LAYERS, "      Layers: [!Sub 'arn:aws:lambda:us-east-1:1:layer:${Given}:1']\n", "entry 1 of Layers"),
    (WRAPPER, "          AWS_LAMBDA_EXEC_WRAPPER: !Ref Given\n", "AWS_LAMBDA_EXEC_WRAPPER"),
    (WRAPPER, f"{WRAPPER}          STREAMIFY_INVOKE_MODE: !Ref Given\n", "STREAMIFY_INVOKE_MODE"),
    (MODE, "        InvokeMode: !Ref Given\n", "InvokeMode"),
    (RUNTIME, "      Runtime: !Ref Given\n", "Runtime"),
    (TIMEOUT, "      Timeout: !Ref Given\n", "Timeout"),
]


@pytest.mark.parametrize(("old", "new", "named"), PLACES)
def test_a_parameter_without_a_value(tmp_path: Path, old: str, new: str, named: str) -> None:
    text = PARAMETER + with_change((old, new))

    found = the_one(tmp_path, text, rule="parameter-without-value", at="Given")

    assert found.severity == "error"
    assert found.problem.startswith(f"{named} is !")
    assert found.fix == "--parameter Given=VALUE, or Default: VALUE in the parameter"


def test_a_parameter_that_is_given(tmp_path: Path) -> None:
    text = PARAMETER + with_change((LAYERS, "      Layers: [!Ref Given]\n"))

    assert check(tmp_path, text, parameters={"Given": "arn:aws:lambda:us-east-1:1:layer:streamify:1"}) == []


def test_a_parameter_with_a_default(tmp_path: Path) -> None:
    text = "Parameters: {Given: {Type: Number, Default: 60}}\n" + with_change((TIMEOUT, "      Timeout: !Ref Given\n"))

    assert check(tmp_path, text) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (LAYERS, "      Layers: [!GetAtt Nested.Outputs.LayerArn]\n"),
        (LAYERS, "      Layers: !Split [',', !ImportValue layers]\n"),
        (WRAPPER, "          AWS_LAMBDA_EXEC_WRAPPER: '{{resolve:ssm:/wrapper}}'\n"),
        (MODE, "        InvokeMode: !ImportValue mode\n"),
    ],
)
def test_what_only_a_deployed_stack_knows_is_a_warning(tmp_path: Path, old: str, new: str) -> None:
    found = the_one(tmp_path, with_change((old, new)), rule="unresolved-value", at=new.splitlines()[-1])

    assert found.severity == "warning"


def test_a_word_of_a_route_that_is_not_known(tmp_path: Path) -> None:
    text = PARAMETER + with_change(("TransferMode: RESPONSE_STREAM", "TransferMode: !Ref Given"), text=GOOD + EVENT)

    the_one(tmp_path, text, rule="parameter-without-value", at="!Ref Given")


def test_what_no_rule_depends_on_may_stay_unresolved(tmp_path: Path) -> None:
    text = PARAMETER + with_change((WRAPPER, f"{WRAPPER}          TABLE: !Ref Given\n"))

    assert check(tmp_path, text) == []
