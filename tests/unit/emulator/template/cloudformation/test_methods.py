from pathlib import Path

from lambda_streamify_emulator.template.reader import load_template

URI = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/${Hello.Arn}/invocations"


def test_a_method_that_is_not_served_is_named_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(f"""
Resources:
  Hello:
    Type: AWS::Lambda::Function
    Properties: {{Handler: app.handler, Runtime: python3.13, Code: .}}
  Rest: {{Type: AWS::ApiGateway::RestApi}}
  Circle: {{Type: AWS::ApiGateway::Resource, Properties: {{ParentId: !Ref Circle, PathPart: a}}}}
  Deployed: {{Type: AWS::ApiGateway::Deployment, Properties: {{RestApiId: !Ref Rest, StageName: dev}}}}
  Good:
    Type: AWS::ApiGateway::Method
    Properties: &good
      RestApiId: !Ref Rest
      ResourceId: !GetAtt Rest.RootResourceId
      HttpMethod: get
      Integration: {{Type: AWS_PROXY, Uri: !Sub "{URI}"}}
  Other: {{Type: AWS::ApiGateway::Method, Properties: {{<<: *good, RestApiId: !ImportValue x}}}}
  Round: {{Type: AWS::ApiGateway::Method, Properties: {{<<: *good, ResourceId: !Ref Circle}}}}
  Verb: {{Type: AWS::ApiGateway::Method, Properties: {{<<: *good, HttpMethod: FETCH}}}}
  None: {{Type: AWS::ApiGateway::Method, Properties: {{<<: *good, Integration: !Ref AWS::NoValue}}}}
  Far:
    Type: AWS::ApiGateway::Method
    Properties: {{<<: *good, Integration: {{Type: AWS_PROXY, Uri: !ImportValue x}}}}
  Gone: {{Type: AWS::ApiGateway::Method, Properties: {{<<: *good, Integration: {{Type: AWS_PROXY, Uri: gone}}}}}}
  Long:
    Type: AWS::ApiGateway::Method
    Properties: {{<<: *good, Integration: {{Type: AWS_PROXY, Uri: Hello, TimeoutInMillis: 1}}}}
""")
    template = load_template(path)

    (api,) = template.apis
    assert (api.stage, [(route.method, route.path) for route in api.routes]) == ("dev", [("GET", "/")])
    assert template.left_out == (
        "Other is left out: its RestApiId is no AWS::ApiGateway::RestApi of this template",
        "Round is left out: its ResourceId leads to no AWS::ApiGateway::Resource of this template",
        "Verb is left out: Method: 'FETCH' is not one of GET, POST, PUT, PATCH, DELETE, HEAD, OPTIONS, ANY",
        "None is left out: the type of its integration is missing, and the emulator serves AWS_PROXY",
        "Far is left out: the uri of its integration is a value that only a deployed stack has",
        "Gone is left out: the uri of its integration, gone, invokes no function that is served",
        "Long is left out: Integration: TimeoutInMillis: 1 is not from 50 to 900000",
    )
