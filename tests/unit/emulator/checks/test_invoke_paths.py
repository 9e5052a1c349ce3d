from collections.abc import Callable
from pathlib import Path

import pytest

from checked_template import GOOD, check, rules, the_one

STREAMING = "2021-11-15/functions/${Hello.Arn}/response-streaming-invocations"
BUFFERED = "2015-03-31/functions/${Hello.Arn}/invocations"
OPENAPI = """\
  Api:
    Type: AWS::Serverless::Api
    Properties:
      StageName: live
      EndpointConfiguration: {{Type: REGIONAL}}
      DefinitionBody:
        paths:
          /stream:
            get:
              x-amazon-apigateway-integration:
                responseTransferMode: {mode}
                timeoutInMillis: 60000
                uri: {uri}
"""
METHOD = """\
  Rest:
    Type: AWS::ApiGateway::RestApi
    Properties: {{EndpointConfiguration: {{Types: [REGIONAL]}}}}
  Method:
    Type: AWS::ApiGateway::Method
    Properties:
      RestApiId: !Ref Rest
      Integration:
        ResponseTransferMode: {mode}
        TimeoutInMillis: 60000
        Uri: {uri}
"""


def sub(path: str) -> str:
    return f"!Sub arn:aws:apigateway:us-east-1:lambda:path/{path}"


def join(path: str) -> str:
    begin, end = path.split("${Hello.Arn}")
    return f"!Join ['', ['arn:aws:apigateway:', !Ref AWS::Region, ':lambda:path/{begin}', !GetAtt Hello.Arn, {end}]]"


@pytest.mark.parametrize("form", [OPENAPI, METHOD])
@pytest.mark.parametrize("uri", [sub, join])
@pytest.mark.parametrize(("mode", "path"), [("STREAM", STREAMING), ("BUFFERED", BUFFERED)])
def test_a_path_that_fits_the_mode_is_right(
    tmp_path: Path, form: str, uri: Callable[[str], str], mode: str, path: str
) -> None:
    assert check(tmp_path, GOOD + form.format(mode=mode, uri=uri(path))) == []


@pytest.mark.parametrize("form", [OPENAPI, METHOD])
@pytest.mark.parametrize("uri", [sub, join])
@pytest.mark.parametrize(
    "path",
    [
        BUFFERED,
        "2021-11-15/functions/${Hello.Arn}/invocations",
        "2015-03-31/functions/${Hello.Arn}/response-streaming-invocations",
    ],
)
def test_a_stream_that_calls_for_a_whole_response_is_an_error(
    tmp_path: Path, form: str, uri: Callable[[str], str], path: str
) -> None:
    found = the_one(tmp_path, GOOD + form.format(mode="STREAM", uri=uri(path)), rule="invoke-path", at="ri: ")

    date, call = path[:10], path.rpartition("/")[2]
    assert (found.severity, found.resources) == ("error", ("Hello",))
    assert (
        f"it streams, and its {'Uri' if form is METHOD else 'uri'} calls {date}/functions/.../{call}" in found.problem
    )
    assert found.fix.endswith("ri: .../2021-11-15/functions/.../response-streaming-invocations")


@pytest.mark.parametrize("form", [OPENAPI, METHOD])
def test_a_whole_response_that_calls_for_a_stream_is_an_error(tmp_path: Path, form: str) -> None:
    found = the_one(tmp_path, GOOD + form.format(mode="BUFFERED", uri=sub(STREAMING)), rule="invoke-path", at="ri: ")

    assert ": it does not stream, and its " in found.problem
    assert found.fix.lower().endswith(".../2015-03-31/functions/.../invocations, or responsetransfermode: stream")


@pytest.mark.parametrize(
    "uri", ["!ImportValue uri", "[x]", "https://page.example", sub("${Hello.Arn}"), "!Sub ['${A}', {A: b}]"]
)
def test_another_uri_is_not_judged(tmp_path: Path, uri: str) -> None:
    assert "invoke-path" not in rules(check(tmp_path, GOOD + OPENAPI.format(mode="STREAM", uri=uri)))
