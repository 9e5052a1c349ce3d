from pathlib import Path

import pytest

from lambda_streamify_emulator.template.apis import WEBSOCKET, Api, Route
from lambda_streamify_emulator.template.reader import Template, load_template

FUNCTION = """
Resources:
  Chat:
    Type: AWS::Serverless::Function
    Properties: {FunctionName: chat, Handler: app.handler, Runtime: python3.12, CodeUri: .}
"""
SAM = """
  Api:
    Type: AWS::Serverless::WebSocketApi
    Properties:
      RouteSelectionExpression: $request.body.kind
      StageName: live
      Routes:
        $connect: {FunctionArn: !GetAtt Chat.Arn}
        talk: {FunctionArn: !GetAtt Chat.Arn, IntegrationTimeout: 1000, RouteResponseSelectionExpression: $default}
"""
RESOURCES = """
  Api:
    Type: AWS::ApiGatewayV2::Api
    Properties: {ProtocolType: WEBSOCKET, RouteSelectionExpression: $request.body.kind}
  Stage:
    Type: AWS::ApiGatewayV2::Stage
    Properties: {ApiId: !Ref Api, StageName: live}
  Calls:
    Type: AWS::ApiGatewayV2::Integration
    Properties:
      ApiId: !Ref Api
      IntegrationType: AWS_PROXY
      IntegrationUri:
        !Sub arn:aws:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Chat.Arn}/invocations
  Briefly:
    Type: AWS::ApiGatewayV2::Integration
    Properties: {ApiId: !Ref Api, IntegrationType: AWS_PROXY, IntegrationUri: !GetAtt Chat.Arn, TimeoutInMillis: 1000}
  Connect:
    Type: AWS::ApiGatewayV2::Route
    Properties: {ApiId: !Ref Api, RouteKey: $connect, Target: !Sub "integrations/${Calls}"}
  Talk:
    Type: AWS::ApiGatewayV2::Route
    Properties:
      ApiId: !Ref Api
      RouteKey: talk
      RouteResponseSelectionExpression: $default
      Target: !Join [/, [integrations, !Ref Briefly]]
"""
ROUTES = (
    Route("", "$connect", "chat", is_streamed=False),
    Route("", "talk", "chat", is_streamed=False, timeout=1, has_response=True),
)


def load(folder: Path, resources: str) -> Template:
    path = folder / "template.yaml"
    path.write_text(FUNCTION + resources)
    return load_template(path)


@pytest.mark.parametrize("resources", [SAM, RESOURCES], ids=["SAM", "CloudFormation"])
def test_both_forms_declare_the_same_api(tmp_path: Path, resources: str) -> None:
    template = load(tmp_path, resources)

    assert template.apis == (Api("Api", "live", ROUTES, kind=WEBSOCKET, route_selection="$request.body.kind"),)
    assert template.left_out == ()


def test_without_a_stage_or_an_expression_it_has_sams(tmp_path: Path) -> None:
    given = ("      StageName: live\n", "      RouteSelectionExpression: $request.body.kind\n")
    short = SAM.replace(given[0], "").replace(given[1], "")

    (api,) = load(tmp_path, short).apis

    assert (api.prefix, api.route_selection) == ("/default", "$request.body.action")


LEFT_OUT = [
    (
        SAM.replace("!GetAtt Chat.Arn}", "!GetAtt Other.Arn}"),
        ["Api: $connect is not served: the uri of its integration is a value that only a deployed stack has"],
    ),
    (SAM.replace("IntegrationTimeout: 1000", "IntegrationTimeout: 30000"), ["Api: talk", "is not from 50 to 29000"]),
    (SAM.replace("talk: {", "talk: x #"), ["Api: talk is not served: it is text instead of a mapping"]),
    (SAM + "      Auth: {AuthType: AWS_IAM}\n", ["Api: the emulator does not enforce its Auth: everybody may connect"]),
    (RESOURCES.replace("AWS_PROXY", "MOCK", 1), ["Connect is left out: the type of its integration is MOCK"]),
    (RESOURCES.replace("integrations/${Calls}", "elsewhere"), ["Connect is left out: its Target is no"]),
    (
        RESOURCES.replace("RouteKey: $connect,", "RouteKey: $connect, AuthorizationType: CUSTOM,"),
        ["Connect: the emulator does not enforce its AuthorizationType: everybody may connect"],
    ),
    (
        RESOURCES.replace("ProtocolType: WEBSOCKET", "ProtocolType: HTTP"),
        ["Api is left out: the emulator serves HTTP APIs of SAM only"],
    ),
]


@pytest.mark.parametrize(("resources", "expected"), LEFT_OUT)
def test_what_is_not_served_is_named_and_stops_nothing_else(
    tmp_path: Path, resources: str, expected: list[str]
) -> None:
    template = load(tmp_path, resources)

    assert [function.name for function in template.functions] == ["chat"]
    (message,) = template.left_out
    assert message.startswith(expected[0])
    assert expected[-1] in message
