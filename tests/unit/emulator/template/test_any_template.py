"""Whatever stands in resources of CloudFormation and in OpenAPI definitions, the function beside them is served."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.checks.run import check_template
from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.reader import load_template

IDS = ("Hello", "Url", "Rest", "Part", "Method", "Stage", "Alias", "Api", "Http")
URI = "arn:aws:apigateway:us-east-1:lambda:path/2021-11-15/functions/Hello/response-streaming-invocations"
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([*IDS, URI, "/", "/a/{b+}", "GET", "aws_proxy", "MOCK", ""])
)
references = st.builds(lambda id_: {"Ref": id_}, st.sampled_from(IDS)) | st.builds(
    lambda id_, name: {"Fn::GetAtt": [id_, name]}, st.sampled_from(IDS), st.sampled_from(["Arn", "RootResourceId"])
)
leaves = scalars | references
pieces = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["Fn::Transform", "a"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def properties(*names: str, **known: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={**dict.fromkeys(names, leaves | pieces), **known})


def resource(type_: str, own: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"Type": st.just(type_), "Properties": own})


integrations = properties("type", "uri", "responseTransferMode", "timeoutInMillis", "responses", "payloadFormatVersion")
operations = properties("security", **{"x-amazon-apigateway-integration": integrations | pieces})
paths = st.dictionaries(
    st.sampled_from(["/", "/a", "$default", "/{b+}"]) | st.integers(),
    st.dictionaries(st.sampled_from(["get", "x-amazon-apigateway-any-method", "options"]), operations | pieces),
)
definitions = properties("x-amazon-apigateway-binary-media-types", "x-amazon-apigateway-cors", paths=paths | pieces)
method = properties("Type", "Uri", "ResponseTransferMode", "TimeoutInMillis", "IntegrationResponses")
events = st.dictionaries(
    st.sampled_from("ab"),
    st.fixed_dictionaries(
        {"Type": st.sampled_from(["Api", "HttpApi"]), "Properties": properties("Path", "Method", "ApiId")}
    ),
)
# No folder but the template's own: the code in it is searched.
code = references | st.sampled_from(
    [None, ".", "absent", {"ZipFile": "x = 1"}, {"ZipFile": {"Ref": "Url"}}, {"S3Key": "x"}]
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "Url": resource("AWS::Lambda::Url", properties("TargetFunctionArn", "AuthType", "InvokeMode", "Cors")),
        "Rest": resource("AWS::ApiGateway::RestApi", properties("EndpointConfiguration", Body=definitions)),
        "Part": resource("AWS::ApiGateway::Resource", properties("ParentId", "PathPart", "RestApiId")),
        "Method": resource(
            "AWS::ApiGateway::Method",
            properties("RestApiId", "ResourceId", "HttpMethod", Integration=method | pieces),
        ),
        "Stage": resource("AWS::ApiGateway::Stage", properties("RestApiId", "StageName")),
        "Alias": resource("AWS::Lambda::Alias", properties("FunctionName", "Name")),
        "Api": resource(
            "AWS::Serverless::Api",
            properties("StageName", "Cors", "DefinitionUri", "MergeDefinitions", DefinitionBody=definitions | pieces),
        ),
        "Http": resource(
            "AWS::Serverless::HttpApi",
            properties("StageName", "CorsConfiguration", DefinitionBody=definitions | pieces),
        ),
        "Other": resource(
            "AWS::Lambda::Function", properties("Handler", "Runtime", "Layers", "FunctionName", Code=code)
        ),
        "Layer": resource("AWS::Lambda::LayerVersion", properties("Content", "LayerName")),
    },
)


@given(documents, events)
def test_the_function_is_served_and_the_rest_is_served_or_named(resources: dict[str, Any], events: Any) -> None:
    function = {"Handler": "a.b", "Runtime": "python3.13", "Events": events}
    hello = {"Type": "AWS::Serverless::Function", "Properties": function}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.yaml"
        path.write_text(yaml.safe_dump({"Resources": {"Hello": hello, **resources}}), encoding="utf-8")

        template = load_template(path)
        assert template.functions[0].name == "Hello"
        assert not [message for message in template.left_out if "\n" in message]
        check_template(path)


@given(pieces)
def test_any_definition_in_a_file_is_served_or_named(definition: Any) -> None:
    hello = {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "a.b", "Runtime": "python3.13"}}
    api = {"Type": "AWS::Serverless::Api", "Properties": {"StageName": "live", "DefinitionUri": "api.json"}}
    with TemporaryDirectory() as folder:
        (Path(folder) / "api.json").write_text(yaml.safe_dump(definition))
        path = Path(folder) / "template.yaml"
        path.write_text(yaml.safe_dump({"Resources": {"Hello": hello, "Api": api}}))

        assert load_template(path).functions[0].name == "Hello"
        try:
            check_template(path)
        except TemplateError as error:
            assert "\n" not in str(error)  # noqa: PT017 - one of two valid outcomes
