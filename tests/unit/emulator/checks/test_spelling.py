from pathlib import Path

import pytest

from checked_template import AUTH, EVENT, GOOD, MODE, TIMEOUT, WRAPPER, check, rules, the_one, with_change
from lambda_streamify_emulator.checks.functions import SETTINGS
from processes import ROOT

CORS = "        Cors: {AllowOrigins: ['*'], AllowMethods: ['*'], AllowHeaders: ['*']}\n"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("AWS::Serverles::Function", "AWS::Serverless::Function"),
        ("AWS:Serverless::Function", "AWS::Serverless::Function"),
        ("AWS::Serverless::Functon", "AWS::Serverless::Function"),
    ],
)
def test_types_of_resources(tmp_path: Path, written: str, meant: str) -> None:
    found = the_one(
        tmp_path, with_change(("AWS::Serverless::Function", written)), rule="misspelt-type", at=f"Type: {written}"
    )

    assert (found.severity, found.fix) == ("error", f"Type: {meant}")


def test_a_type_that_sam_does_not_have(tmp_path: Path) -> None:
    more = "  Queue: {Type: AWS::Serverless::Queue}\n"

    assert "AWS::Serverless::Function" in the_one(tmp_path, GOOD + more, rule="misspelt-type", at="Queue").fix


@pytest.mark.parametrize(
    "type_", ["AWS::Lambda::Version", "AWS::Lambda::LayerVersion", "AWS::Lambda::EventSourceMapping", "Custom::Thing"]
)
def test_types_of_others_are_left_alone(tmp_path: Path, type_: str) -> None:
    assert check(tmp_path, f"{GOOD}  Other: {{Type: '{type_}'}}\n") == []


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        ("      FunctionUrlConfig:", "      FunctionUrlConfg:", "FunctionUrlConfig:"),
        ("        InvokeMode:", "        InvokMode:", "InvokeMode:"),
        ("      Timeout:", "      timeout:", "Timeout:"),
        ("    Properties:\n      Handler", "    Propertes:\n      Handler", "Properties:"),
    ],
)
def test_properties_of_a_function(tmp_path: Path, old: str, new: str, fix: str) -> None:
    found = [finding for finding in check(tmp_path, with_change((old, new))) if finding.rule == "misspelt-property"]

    assert [(finding.severity, *finding.resources, finding.fix) for finding in found] == [("error", "Hello", fix)]


def test_the_line_is_that_of_the_property(tmp_path: Path) -> None:
    the_one(
        tmp_path, with_change((TIMEOUT, f"{TIMEOUT}      MemorySze: 512\n")), rule="misspelt-property", at="MemorySze"
    )


def test_properties_in_events(tmp_path: Path) -> None:
    text = with_change(("            TimeoutInMillis", "            TimeoutInMilis"), text=GOOD + EVENT)

    assert rules(check(tmp_path, text)) == ["integration-timeout", "misspelt-property"]


def test_types_of_events(tmp_path: Path) -> None:
    text = with_change(("          Type: Api\n", "          Type: Apii\n"), text=GOOD + EVENT)

    assert the_one(tmp_path, text, rule="misspelt-value", at="Type: Apii").fix == "Type: Api"


def test_properties_in_globals(tmp_path: Path) -> None:
    text = with_change(("Resources:\n", "Globals:\n  Function:\n    Timout: 60\nResources:\n"), (TIMEOUT, ""))

    found = check(tmp_path, text)

    assert [(finding.rule, *finding.resources) for finding in found] == [
        ("misspelt-property", "Globals"),
        ("short-timeout", "Hello"),
    ]


def test_a_property_that_globals_may_not_have(tmp_path: Path) -> None:
    text = with_change(("Resources:\n", "Globals:\n  Function:\n    FunctionName: one\nResources:\n"))

    assert the_one(tmp_path, text, rule="misspelt-property", at="FunctionName").severity == "error"


def test_sections_of_globals(tmp_path: Path) -> None:
    the_one(
        tmp_path,
        with_change(("Resources:\n", "Globals:\n  Functions:\n    MemorySize: 512\nResources:\n")),
        rule="misspelt-property",
        at="Functions",
    )


def test_nested_properties_in_globals(tmp_path: Path) -> None:
    section = "Globals:\n  Function:\n    FunctionUrlConfig:\n      AutType: AWS_IAM\nResources:\n"
    text = with_change(("Resources:\n", section))

    found = [finding for finding in check(tmp_path, text) if "Globals" in finding.resources]

    assert [(finding.rule, finding.fix) for finding in found] == [("misspelt-property", "AuthType:")]


def test_a_property_like_none_that_sam_knows_is_a_warning(tmp_path: Path) -> None:
    text = with_change((TIMEOUT, f"{TIMEOUT}      Colour: red\n"))

    assert the_one(tmp_path, text, rule="unknown-property", at="Colour").severity == "warning"


def test_properties_of_plain_cloudformation(tmp_path: Path) -> None:
    url = """\
  Url:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: !Ref Hello, AuthType: AWS_IAM, InvokeMode: RESPONSE_STREAM, Qualifer: live}
"""
    the_one(tmp_path, GOOD + url, rule="misspelt-property", at="Qualifer")


def test_properties_of_cors(tmp_path: Path) -> None:
    text = with_change((MODE, MODE + CORS.replace("}", ", MaxAges: 1}")))

    assert the_one(tmp_path, text, rule="misspelt-property", at="MaxAges").fix == "MaxAge:"


@pytest.mark.parametrize(
    ("old", "new", "fix"),
    [
        (MODE, "        InvokeMode: RESPONSE_STREAMING\n", "InvokeMode: RESPONSE_STREAM"),
        (MODE, "        InvokeMode: response_stream\n", "InvokeMode: RESPONSE_STREAM"),
        (MODE, "        InvokeMode: x\n", "InvokeMode: BUFFERED or RESPONSE_STREAM"),
        (AUTH, "        AuthType: IAM\n", "AuthType: AWS_IAM or NONE"),
        (AUTH, "        AuthType: AWS_IAMM\n", "AuthType: AWS_IAM"),
        (
            WRAPPER,
            f"{WRAPPER}          STREAMIFY_INVOKE_MODE: RESPONSE_STREAM\n",
            "STREAMIFY_INVOKE_MODE: response_stream",
        ),
    ],
)
def test_values(tmp_path: Path, old: str, new: str, fix: str) -> None:
    found = the_one(tmp_path, with_change((old, new)), rule="misspelt-value", at=new.splitlines()[-1])

    assert (found.severity, found.fix) == ("error", fix)


def test_names_of_settings(tmp_path: Path) -> None:
    text = with_change((WRAPPER, f"{WRAPPER}          STREAMIFY_INVOKEMODE: auto\n"))

    assert the_one(tmp_path, text, rule="misspelt-setting", at="INVOKEMODE").fix == "STREAMIFY_INVOKE_MODE: auto"


def test_the_settings_are_those_that_are_documented() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    table = page.partition("## A function that has a URL already")[0]

    assert sorted(SETTINGS) == sorted(line.split("`")[1] for line in table.splitlines() if line.startswith("| `"))
