from pathlib import Path

import pytest

from checked_template import AUTH, GOOD, MODE, check, rules, the_one, with_change

OPEN = (AUTH, "        AuthType: NONE\n")
URL = """\
  Url:
    Type: AWS::Lambda::Url
    Properties:
      TargetFunctionArn: !Ref Alias
      AuthType: NONE
      InvokeMode: RESPONSE_STREAM
  Alias:
    Type: AWS::Lambda::Alias
    Properties: {FunctionName: !Ref Hello, FunctionVersion: "1", Name: live}
"""
PLAIN = with_change(("      FunctionUrlConfig:\n" + AUTH + MODE, URL))
BY_URL = """\
  UrlForEverybody:
    Type: AWS::Lambda::Permission
    Properties:
      {Action: lambda:InvokeFunctionUrl, FunctionName: !Ref Alias, Principal: "*", FunctionUrlAuthType: NONE}
"""
BY_FUNCTION = """\
  ForEverybody:
    Type: AWS::Lambda::Permission
    Properties:
      {Action: lambda:InvokeFunction, FunctionName: !GetAtt Hello.Arn, Principal: "*", InvokedViaFunctionUrl: true}
"""


@pytest.mark.parametrize(
    ("permissions", "missing"),
    [
        ("", "lambda:InvokeFunctionUrl and lambda:InvokeFunction:"),
        (BY_URL, "everybody lambda:InvokeFunction:"),
        (BY_FUNCTION, "everybody lambda:InvokeFunctionUrl:"),
        (BY_URL.replace('"*"', '"123456789012"') + BY_FUNCTION, "everybody lambda:InvokeFunctionUrl:"),
    ],
)
def test_a_url_for_everybody_needs_both_permissions(tmp_path: Path, permissions: str, missing: str) -> None:
    found = the_one(tmp_path, PLAIN + permissions, rule="url-permissions", at="AuthType: NONE")

    assert (found.severity, *found.resources) == ("error", "Url")
    assert missing in found.problem


def test_with_both_it_is_right(tmp_path: Path) -> None:
    assert check(tmp_path, PLAIN + BY_URL + BY_FUNCTION) == []


def test_what_is_to_be_written_makes_it_right(tmp_path: Path) -> None:
    (found,) = check(tmp_path, PLAIN)

    assert check(tmp_path, PLAIN + "".join(f"  {line}\n" for line in found.fix.splitlines())) == []


def test_a_permission_whose_condition_does_not_hold_is_none(tmp_path: Path) -> None:
    conditional = BY_FUNCTION.replace("    Properties", "    Condition: Never\n    Properties")
    text = f"Conditions: {{Never: !Equals [a, b]}}\n{PLAIN}{BY_URL}{conditional}"

    assert rules(check(tmp_path, text)) == ["url-permissions"]


def test_a_url_for_those_who_sign_needs_none(tmp_path: Path) -> None:
    assert check(tmp_path, with_change(("AuthType: NONE", "AuthType: AWS_IAM"), text=PLAIN)) == []


def test_sam_makes_both_where_none_is_written(tmp_path: Path) -> None:
    assert check(tmp_path, with_change(OPEN)) == []


def test_sam_makes_none_where_a_parameter_says_so(tmp_path: Path) -> None:
    parameters = "Parameters: {Auth: {Type: String, Default: AWS_IAM}}\n"
    text = parameters + with_change((AUTH, "        AuthType: !Ref Auth\n"))

    assert check(tmp_path, text) == []
    assert rules(check(tmp_path, text, parameters={"Auth": "NONE"})) == ["url-permissions"]


@pytest.mark.parametrize(
    ("code", "policies"),
    [
        ('\nboto3.client("bedrock-runtime")\n', ""),
        ("\nfrom openai import OpenAI\n", ""),
        ("\nimport anthropic\n", ""),
        ("", "      Policies: [{Statement: [{Effect: Allow, Action: bedrock:InvokeModel, Resource: '*'}]}]\n"),
        ("", "      Policies: [AmazonBedrockFullAccess]\n"),
    ],
)
def test_a_public_url_that_calls_a_model(tmp_path: Path, code: str, policies: str) -> None:
    open_url = with_change(OPEN, ("      CodeUri: code\n", f"      CodeUri: code\n{policies}"))

    found = the_one(tmp_path, open_url, code, rule="public-model", at="AuthType: NONE")

    assert (found.severity, found.fix) == ("warning", "AuthType: AWS_IAM")
    assert ("app.py:2" in found.problem) is bool(code)
    assert check(tmp_path, GOOD, code) == []


def test_a_word_like_a_models_is_no_import(tmp_path: Path) -> None:
    assert check(tmp_path, with_change(OPEN), "import openai_free\nurl = 'anthropic.example'\n") == []
