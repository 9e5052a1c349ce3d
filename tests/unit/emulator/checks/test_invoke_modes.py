from pathlib import Path

import pytest

from checked_template import GOOD, MODE, WRAPPER, check, the_one, with_change

BUFFERED = f"{WRAPPER}          STREAMIFY_INVOKE_MODE: buffered\n"


def test_a_template_without_a_mistake_has_no_findings(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == []


def test_a_url_that_streams_and_a_setting_that_does_not(tmp_path: Path) -> None:
    found = the_one(tmp_path, with_change((WRAPPER, BUFFERED)), rule="buffered-setting", at="STREAMIFY_INVOKE_MODE")

    assert (found.severity, *found.resources) == ("error", "Hello")
    assert found.problem.startswith("STREAMIFY_INVOKE_MODE is buffered, and the URL's InvokeMode is RESPONSE_STREAM")


@pytest.mark.parametrize("mode", ["", "        InvokeMode: BUFFERED\n"])
@pytest.mark.parametrize("setting", ["", "          STREAMIFY_INVOKE_MODE: auto\n"])
def test_a_url_that_does_not_stream_and_a_layer_that_does(tmp_path: Path, mode: str, setting: str) -> None:
    text = with_change((MODE, mode), (WRAPPER, WRAPPER + setting))

    found = the_one(tmp_path, text, rule="buffered-url", at="InvokeMode" if mode else "FunctionUrlConfig")

    assert found.severity == "error"
    assert found.fix == "InvokeMode: RESPONSE_STREAM, or STREAMIFY_INVOKE_MODE: buffered"


@pytest.mark.parametrize(
    "change",
    [
        (WRAPPER, BUFFERED),
        (WRAPPER, "          A: b\n"),
        ("Runtime: python3.13", "Runtime: nodejs22.x"),
        (WRAPPER, f"{WRAPPER}          STREAMIFY_DISABLE: 1\n"),
    ],
)
def test_a_url_that_does_not_stream_is_right_where_the_layer_does_not_either(
    tmp_path: Path, change: tuple[str, str]
) -> None:
    found = check(tmp_path, with_change((MODE, ""), change))

    assert "buffered-url" not in [finding.rule for finding in found]


def test_modes_come_from_globals_and_conditions_too(tmp_path: Path) -> None:
    globals_section = (
        "Conditions: {Streams: !Equals [a, b]}\n"
        "Globals:\n"
        "  Function:\n"
        "    FunctionUrlConfig:\n"
        "      InvokeMode: !If [Streams, RESPONSE_STREAM, BUFFERED]\n"
        "Resources:\n"
    )
    text = with_change((MODE, ""), ("Resources:\n", globals_section))

    the_one(tmp_path, text, rule="buffered-url", at="InvokeMode: !If")


def test_a_url_that_is_a_resource_of_its_own(tmp_path: Path) -> None:
    url = """\
  Url:
    Type: AWS::Lambda::Url
    Properties:
      TargetFunctionArn: !GetAtt Hello.Arn
      AuthType: AWS_IAM
"""
    text = with_change(("      FunctionUrlConfig:\n        AuthType: AWS_IAM\n" + MODE, url))

    the_one(tmp_path, text, rule="buffered-url", at="Url:")
    assert check(tmp_path, text + "      InvokeMode: RESPONSE_STREAM\n") == []


def test_a_url_of_a_function_in_a_vpc(tmp_path: Path) -> None:
    text = with_change(("      CodeUri: code\n", "      CodeUri: code\n      VpcConfig: {SubnetIds: [a]}\n"))

    assert the_one(tmp_path, text, rule="url-in-vpc", at="InvokeMode").severity == "warning"
