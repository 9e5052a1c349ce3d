from pathlib import Path

import pytest

from checked_template import EVENT, GOOD, MODE, check, rules, the_one, with_change

OPENAPI = """\
          openapi: 3.0.1
          paths:
            /stream:
              get:
                x-amazon-apigateway-integration:
                  type: aws_proxy
                  uri: !Sub arn:aws:apigateway:us-east-1:lambda:path/${Hello.Arn}
                  responseTransferMode: STREAM
                  timeoutInMillis: 60000
"""
API = """\
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      EndpointConfiguration: {Type: REGIONAL}
      %s
"""
METHOD = """\
  Rest:
    Type: AWS::ApiGateway::RestApi
    Properties: {Name: rest, EndpointConfiguration: {Types: [REGIONAL]}}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Rest
      Integration:
        Uri: !Sub arn:aws:apigateway:us-east-1:lambda:path/${Hello.Arn}
        ResponseTransferMode: STREAM
        TimeoutInMillis: 60000
"""
BODY = "DefinitionBody:\n" + OPENAPI


@pytest.mark.parametrize("mode", ["RESPONSE_STREAM", "BUFFERED"])
def test_sams_own_words_are_right_in_an_event(tmp_path: Path, mode: str) -> None:
    assert (
        check(tmp_path, with_change(("TransferMode: RESPONSE_STREAM", f"TransferMode: {mode}"), text=GOOD + EVENT))
        == []
    )


@pytest.mark.parametrize("mode", ["STREAM", "stream", "RESPONSE_STREAMING"])
def test_any_other_word_in_an_event_is_an_error(tmp_path: Path, mode: str) -> None:
    text = with_change(("TransferMode: RESPONSE_STREAM", f"TransferMode: {mode}"), text=GOOD + EVENT)

    found = the_one(tmp_path, text, rule="sam-transfer-mode", at=mode)

    assert (found.severity, *found.resources, found.fix) == ("error", "Hello", "ResponseTransferMode: RESPONSE_STREAM")


@pytest.mark.parametrize("text", [API % BODY, METHOD])
def test_the_word_of_api_gateway_is_right_where_its_own_definitions_are(tmp_path: Path, text: str) -> None:
    assert check(tmp_path, GOOD + text) == []


@pytest.mark.parametrize(
    ("text", "fix"),
    [(API % BODY, "responseTransferMode: STREAM"), (METHOD, "ResponseTransferMode: STREAM")],
)
def test_sams_word_is_an_error_there(tmp_path: Path, text: str, fix: str) -> None:
    changed = with_change(("TransferMode: STREAM", "TransferMode: RESPONSE_STREAM"), text=GOOD + text)

    assert the_one(tmp_path, changed, rule="api-transfer-mode", at="TransferMode: RESPONSE_STREAM").fix == fix


@pytest.mark.parametrize(
    "named",
    [
        "DefinitionUri: openapi.yaml",
        "DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: openapi.yaml}}}",
    ],
)
def test_a_definition_in_a_file_of_its_own_is_read(tmp_path: Path, named: str) -> None:
    lines = OPENAPI.replace("Mode: STREAM", "Mode: RESPONSE_STREAM").splitlines()
    (tmp_path / "openapi.yaml").write_text("\n".join(line[10:] for line in lines))

    (found,) = check(tmp_path, GOOD + API % named)

    assert (found.rule, found.file, found.line) == ("api-transfer-mode", str(tmp_path / "openapi.yaml"), 8)


def test_a_word_of_a_definition_may_be_a_parameter(tmp_path: Path) -> None:
    text = with_change(("TransferMode: STREAM", "TransferMode: !Ref Mode"), text=GOOD + API % BODY)

    assert check(tmp_path, f"Parameters: {{Mode: {{Default: STREAM}}}}\n{text}") == []
    assert rules(check(tmp_path, f"Parameters: {{Mode: {{Default: RESPONSE_STREAM}}}}\n{text}")) == [
        "api-transfer-mode"
    ]


def test_a_route_of_a_definition_makes_its_function_stream(tmp_path: Path) -> None:
    text = with_change((MODE, ""), ("Timeout: 60", "Timeout: 5"), text=GOOD + API % BODY)

    assert "short-timeout" in rules(check(tmp_path, text))
