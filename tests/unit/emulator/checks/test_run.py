from pathlib import Path

import pytest

from checked_template import EVENT, GOOD, TIMEOUT, WRAPPER, check, rules, with_change
from documents import all_blocks
from lambda_streamify_emulator.checks.run import RULES, check_template, has_errors
from lambda_streamify_emulator.errors import TemplateError
from processes import ROOT

ARN = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"
COOKIECUTTER = {"project_name": "name", "runtime": "python3.13"}
TEMPLATES = sorted((ROOT / "templates").rglob("template.yaml"))
SNIPPETS = [(name, text) for name, text in all_blocks("yaml") if "Resources:" in text and "AWS::Serverless" in text]

# --- what is ignored -------------------------------------------------------------------------------------------------


def test_a_comment_ignores_the_rules_that_it_names_and_no_others(tmp_path: Path) -> None:
    short = with_change((TIMEOUT, "      Timeout: 5 # streamify: ignore no-layer, url-in-vpc\n"))
    ignored = with_change((TIMEOUT, "      Timeout: 5 # streamify: ignore no-layer, short-timeout\n"))

    assert rules(check(tmp_path, short)) == ["short-timeout"]
    assert check(tmp_path, ignored) == []


def test_a_comment_behind_a_line_says_nothing_of_the_next_one(tmp_path: Path) -> None:
    text = with_change((TIMEOUT, "      MemorySize: 256 # streamify: ignore short-timeout\n      Timeout: 5\n"))

    assert rules(check(tmp_path, text)) == ["short-timeout"]


def test_a_comment_that_names_no_rule_is_a_finding_itself(tmp_path: Path) -> None:
    text = with_change((TIMEOUT, "      Timeout: 60 # streamify: ignore short-timeouts\n"))

    (found,) = check(tmp_path, text)

    assert (found.rule, found.severity, found.line) == ("unknown-rule", "warning", 13)
    assert found.fix == "# streamify: ignore short-timeout"


def test_a_comment_in_an_openapi_file_counts_there(tmp_path: Path) -> None:
    api = "  Api:\n    Type: AWS::Serverless::Api\n    Properties: {StageName: live, DefinitionUri: api.yaml}\n"
    integration = "paths: {/: {get: {x-amazon-apigateway-integration: {responseTransferMode: RESPONSE_STREAM}}}}"
    (tmp_path / "api.yaml").write_text(integration)
    assert rules(check(tmp_path, GOOD + api)) == ["api-transfer-mode"]

    (tmp_path / "api.yaml").write_text(f"{integration} # streamify: ignore api-transfer-mode")

    assert check(tmp_path, GOOD + api) == []


OTHER = """\
  Other:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: other
      Handler: app.handler
      Runtime: python3.13
      CodeUri: code
      Timeout: 5
      Layers: [!Ref StreamifyLayer]
      Environment: {Variables: {AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}
  OtherUrl:
    Type: AWS::Lambda::Url
    Properties: {TargetFunctionArn: !GetAtt Other.Arn, AuthType: NONE, InvokeMode: RESPONSE_STREAM}
"""


@pytest.mark.parametrize("name", ["other", "Other"])
def test_the_findings_of_named_functions_are_theirs_and_their_urls(tmp_path: Path, name: str) -> None:
    text = with_change((TIMEOUT, "      Timeout: 4 # streamify: ignore nonsense\n")) + OTHER
    assert rules(check(tmp_path, text)) == ["short-timeout", "unknown-rule", "short-timeout", "url-permissions"]

    found = check_template(tmp_path / "template.yaml", only=[name])

    assert [(finding.rule, finding.resources) for finding in found] == [
        ("short-timeout", ("Other",)),
        ("url-permissions", ("OtherUrl",)),
    ]


def test_the_findings_of_a_named_function_are_also_those_of_its_apis(tmp_path: Path) -> None:
    text = with_change(("REGIONAL", "EDGE"), text=GOOD + EVENT) + OTHER
    check(tmp_path, text)

    assert rules(check_template(tmp_path / "template.yaml", only=["Hello"])) == ["edge-endpoint"]


def test_without_a_code_uri_the_code_beside_the_template_is_searched(tmp_path: Path) -> None:
    text = with_change(("      CodeUri: code\n", ""), ("AuthType: AWS_IAM", "AuthType: NONE"))
    (tmp_path / "app.py").write_text("import openai\n")

    assert "public-model" in rules(check(tmp_path, text))


# --- the whole -------------------------------------------------------------------------------------------------------


def test_findings_come_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = with_change((TIMEOUT, "      Timeout: 5\n"), (WRAPPER, "          A: b\n"), text=GOOD + EVENT)

    found = check(tmp_path, text.replace("Mode: RESPONSE_STREAM\n            T", "Mode: STREAM\n            T"))

    assert rules(found) == ["short-timeout", "no-wrapper", "sam-transfer-mode"]
    assert [finding.line for finding in found] == sorted(finding.line for finding in found)
    assert has_errors(found)
    assert not has_errors(found[:1])


def test_what_functions_have_from_the_globals_is_one_finding(tmp_path: Path) -> None:
    names = ["First", "Second", "Third", "Fourth"]
    function = "{Type: AWS::Serverless::Function, Properties: {FunctionUrlConfig: {InvokeMode: RESPONSE_STREAM}}}"
    section = "Globals: {Function: {Timeout: 5, Runtime: nodejs22.x}}\nResources:\n"

    (found,) = check(tmp_path, section + "".join(f"  {name}: {function}\n" for name in names))

    assert found.resources == tuple(names)
    assert found.said.startswith("First, Second, Third and 1 more: it streams")


def test_names_of_rules_are_kebab_case_and_stand_for_one_rule_each() -> None:
    names = [rule.name for rule in RULES]

    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name and "_" not in name for name in names)


def test_a_function_of_a_cdk_s_template_is_checked_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "asset.1").mkdir()
    (tmp_path / "asset.1" / "app.py").write_text("from mcp.server import MCPServer\nMCPServer('a')\n")
    path = tmp_path / "Stack.template.json"
    path.write_text("""{
 "Resources": {
  "Fn": {
   "Type": "AWS::Lambda::Function",
   "Properties": {"Runtime": "python3.10", "Timeout": 60, "Code": {"S3Bucket": "b", "S3Key": "k"}},
   "Metadata": {"aws:asset:path": "asset.1"}
  },
  "Url": {
   "Type": "AWS::Lambda::Url",
   "Properties": {
    "TargetFunctionArn": {"Fn::GetAtt": ["Fn", "Arn"]},
    "AuthType": "AWS_IAM",
    "InvokeMode": "RESPONSE_STREAM"
   }
  }
 }
}""")

    found = [(finding.rule, *finding.resources, finding.line) for finding in check_template(path)]

    assert found == [("mcp-hosts", "Fn", 3), ("no-layer", "Fn", 3), ("deprecated-runtime", "Fn", 5)]


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {A: {Type: AWS::Serverless::Function}}",
        "Resources: {A: {Type: [a]}}",
        "Resources: {A: {Type: AWS::Serverless::Function, Properties: {Layers: x, Events: [1], Timeout: [2]}}}",
        "Resources: {A: {Type: AWS::Serverless::Function, Properties: {FunctionUrlConfig: [1], Environment: 5}}}",
        "Resources: {A: {Type: AWS::Serverless::Function, Properties: {FunctionUrlConfig: {Cors: x, AuthType: [1]}}}}",
        "Resources: {A: {Type: AWS::Serverless::Function, Properties: {Events: {E: {Type: Api, Properties: [1]}}}}}",
        "Resources: {A: {Type: AWS::Serverless::Api, Properties: {DefinitionBody: {paths: {/: [1]}}}}}",
        "Resources: {A: {Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: {Ref: [A]}}}}",
        "Resources: {A: {Type: AWS::Lambda::Permission, Properties: {FunctionName: {Fn::Sub: 5}}}}",
        "Resources: {A: {Type: AWS::Lambda::Function, Properties: {Layers: [{Ref: A}, 1, null, {Fn::GetAtt: []}]}}}",
        "{Globals: {Function: {Runtime: [1], Nil: {}}, 5: 6}, Resources: {A: {Type: AWS::Serverless::Function}}}",
    ],
)
def test_a_template_of_any_shape_is_read(tmp_path: Path, text: str) -> None:
    check(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [("a: [", "not YAML"), ("", "empty"), ("Resources: 5", "no Resources"), ("A: &a {B: *a}", "no Res")],
)
def test_what_is_no_template_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TemplateError, match=said):
        check(tmp_path, text)


def test_aliases_of_each_other_are_an_error(tmp_path: Path) -> None:
    alias = "{Type: AWS::Lambda::Alias, Properties: {FunctionName: !Ref %s}}"
    url = "{Type: AWS::Lambda::Url, Properties: {TargetFunctionArn: !Ref A}}"

    with pytest.raises(TemplateError, match="refers to itself"):
        check(tmp_path, f"Resources: {{A: {alias % 'B'}, B: {alias % 'A'}, U: {url}}}")


# --- what the project itself shows -----------------------------------------------------------------------------------


def test_this_projects_own_template_has_no_finding() -> None:
    assert check_template(ROOT / "template.yaml") == []


def test_this_projects_own_template_has_no_error_if_its_urls_are_open() -> None:
    assert rules(check_template(ROOT / "template.yaml", {"AuthType": "NONE"})) == ["public-model"] * 2


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_templates_for_new_projects_have_no_finding(tmp_path: Path, path: Path) -> None:
    text = path.read_text()
    for name, value in COOKIECUTTER.items():
        text = text.replace(f"{{{{ cookiecutter.{name} }}}}", value)

    assert check(tmp_path, text) == []


def test_there_are_templates_and_snippets_to_look_at() -> None:
    assert TEMPLATES
    assert SNIPPETS


@pytest.mark.parametrize("text", [text for _, text in SNIPPETS], ids=[name for name, _ in SNIPPETS])
def test_the_templates_of_the_documents_have_no_error(tmp_path: Path, text: str) -> None:
    # What a reader has to give, is given.
    parameters = {"StreamifyLayerArn": ARN} if "StreamifyLayerArn:" in text else {}

    assert not has_errors(check(tmp_path, text, parameters=parameters))
