import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.template.reader import Template, load_template

INSTEAD = "the events of its functions stand for it"


def load(folder: Path, properties: str, type_: str = "AWS::Serverless::HttpApi") -> Template:
    path = folder / "template.yaml"
    path.write_text(
        f"""
Parameters: {{File: {{Default: api.json}}}}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      Handler: app.handler
      Runtime: python3.13
      Events: {{Own: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Path: /own, Method: get}}}}}}
  Api:
    Type: {type_}
    Properties:
{textwrap.indent(textwrap.dedent(properties), "      ")}
"""
    )
    return load_template(path)


def write(folder: Path, content: Any, name: str = "api.json") -> None:
    (folder / name).write_text(json.dumps(content))


def routes(template: Template) -> list[tuple[str, str, str]]:
    (api,) = template.apis
    return [(route.method, route.path, route.payload_format) for route in api.routes]


def operation(**fields: Any) -> Any:
    integration = {
        "type": "aws_proxy",
        "uri": {"Fn::GetAtt": ["Hello", "Arn"]},
        "payloadFormatVersion": "2.0",
        **fields,
    }
    return {"x-amazon-apigateway-integration": integration}


def test_an_http_api_has_the_routes_of_its_definition_and_of_its_events(tmp_path: Path) -> None:
    paths = {
        "/$default": {"x-amazon-apigateway-any-method": operation()},
        "/a": {"get": operation(payloadFormatVersion="1.0")},
    }
    cors = {"allowOrigins": ["*"], "maxAge": 5}
    template = load(tmp_path, f"DefinitionBody: {json.dumps({'paths': paths, 'x-amazon-apigateway-cors': cors})}")

    assert routes(template) == [("GET", "/own", "2.0"), ("ANY", "$default", "2.0"), ("GET", "/a", "1.0")]
    assert template.apis[0].cors == {"AllowOrigins": ["*"], "MaxAge": 5}
    assert template.left_out == ()


def test_an_integration_among_the_components_is_followed(tmp_path: Path) -> None:
    reference = {"x-amazon-apigateway-integration": {"$ref": "#/components/x-amazon-apigateway-integrations/hello"}}
    components = {"x-amazon-apigateway-integrations": {"hello": operation()["x-amazon-apigateway-integration"]}}
    template = load(
        tmp_path, f"DefinitionBody: {json.dumps({'paths': {'/a': {'get': reference}}, 'components': components})}"
    )

    assert ("GET", "/a", "2.0") in routes(template)


def test_a_part_of_a_definition_may_be_included_by_a_parameter(tmp_path: Path) -> None:
    write(tmp_path, {"/a": {"get": operation()}})
    template = load(
        tmp_path,
        """
        DefinitionBody:
          paths:
            /b: {get: {x-amazon-apigateway-integration: {type: aws_proxy, uri: Hello}}}
            Fn::Transform: {Name: AWS::Include, Parameters: {Location: !Ref File}}
        """,
    )

    assert {path for _, path, _ in routes(template)} == {"/own", "/a", "/b"}


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ("DefinitionUri: s3://bucket/api.json", "its definition is s3://bucket/api.json, and the emulator reads files"),
        ("DefinitionUri: {Bucket: b, Key: k}", "its definition is a value that only a deployed stack has, and the"),
        (
            "DefinitionBody: {Fn::Transform: {Name: Mine, Parameters: {}}}",
            "its definition needs the transform Mine, and the emulator applies AWS::Include alone",
        ),
        ("DefinitionBody: text", "its definition is no mapping"),
        (
            "DefinitionBody: {Fn::Transform: {Name: AWS::Include, Parameters: {Location: circle.json}}}",
            "files include one another more than 10 deep",
        ),
        ("DefinitionUri: torn.json", "it is not YAML"),
    ],
)
def test_a_definition_that_cannot_be_read_is_named_and_events_stand_for_it(
    tmp_path: Path, properties: str, reason: str
) -> None:
    write(
        tmp_path, {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "circle.json"}}}, "circle.json"
    )
    (tmp_path / "torn.json").write_text("{")

    template = load(tmp_path, properties)

    assert routes(template) == [("GET", "/own", "2.0")]
    (message,) = template.left_out
    assert message.startswith("Api: ")
    assert reason in message
    assert message.endswith(INSTEAD)
