from pathlib import Path

import pytest

from lambda_streamify_emulator.checks.run import check_template
from lambda_streamify_emulator.errors import TemplateError
from lambda_streamify_emulator.template.layers import Layer
from lambda_streamify_emulator.template.reader import Template, load_template

SERVICE = """
service: stories
provider:
  name: aws
  runtime: python3.12
  environment: {SHARED: provider, MODEL: small, GONE: null}
functions:
  tell:
    handler: src/app.handler
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "layer").mkdir()
    return tmp_path


def load(folder: Path, text: str, **options: str) -> Template:
    path = folder / "serverless.yml"
    path.write_text(text)
    return load_template(path, options)


def test_a_function_has_the_providers_settings_and_the_frameworks_defaults(folder: Path) -> None:
    (function,) = load(folder, SERVICE).functions

    assert (function.name, function.logical_id) == ("stories-dev-tell", "TellLambdaFunction")
    assert (function.handler, function.runtime, function.code) == ("src/app.handler", "python3.12", folder)
    assert (function.timeout, function.memory) == (6, 1024)
    assert function.environment == {"SHARED": "provider", "MODEL": "small"}
    assert (function.invoke_mode, function.layers) == (None, ())


def test_a_functions_own_settings_override_the_providers(folder: Path) -> None:
    text = SERVICE.replace("name: aws", "name: aws\n  timeout: 10\n  memorySize: 512\n  stage: test\n  layers: [arn:x]")
    text += """
    name: teller-${sls:stage}
    runtime: python3.13
    timeout: ${self:provider.timeout, 1}
    memorySize: 256
    reservedConcurrency: 2
    environment: {MODEL: large, STAGE: '${opt:stage, "none"}'}
    layers: [arn:aws:lambda:us-east-1:1:layer:streamify:7]
"""
    (function,) = load(folder, text).functions

    assert (function.name, function.runtime) == ("teller-test", "python3.13")
    assert (function.timeout, function.memory, function.reserved_concurrency) == (10, 256, 2)
    assert function.environment == {"SHARED": "provider", "MODEL": "large", "STAGE": "none"}
    assert function.layers == (Layer("streamify", None),)
    assert load(folder, text, stage="prod").functions[0].environment["STAGE"] == "prod"


@pytest.mark.parametrize(
    ("url", "mode", "auth"),
    [
        ("true", "BUFFERED", "NONE"),
        ("{invoke: RESPONSE_STREAM}", "RESPONSE_STREAM", "NONE"),
        ("{invoke: response_stream, authorizer: aws_iam}", "RESPONSE_STREAM", "AWS_IAM"),
        ("{authorizer: {type: aws_iam}}", "BUFFERED", "AWS_IAM"),
    ],
)
def test_a_url_streams_if_it_is_invoked_so(folder: Path, url: str, mode: str, auth: str) -> None:
    (function,) = load(folder, f"{SERVICE}    url: {url}\n").functions

    assert (function.invoke_mode, function.auth_type) == (mode, auth)


@pytest.mark.parametrize(
    ("provider", "memory", "expected"),
    [
        ("default", 2048, 16),
        ("!GetAtt Provider.Arn", 2048, 16),
        ("{name: !GetAtt Provider.Arn, maxConcurrency: 100, memoryPerVCpu: 4}", 2048, 100),
        ("{name: default, memoryPerVCpu: 4}\n    memorySize: 8192", 8192, 32),
        ("null", 1024, None),
    ],
)
def test_a_function_with_a_capacity_provider_runs_several_invocations_at_a_time(
    folder: Path, provider: str, memory: int, expected: int | None
) -> None:
    template = load(folder, f"{SERVICE}    capacityProvider: {provider}\n")

    (function,) = template.functions
    assert (function.memory, function.max_concurrency) == (memory, expected)
    assert template.unresolved == ()


def test_a_setting_that_the_framework_ignores_is_named_and_ignored(folder: Path) -> None:
    template = load(folder, f"{SERVICE}    url: {{invokeMode: RESPONSE_STREAM}}\n")

    assert template.functions[0].invoke_mode == "BUFFERED"
    assert [notice.partition("tell: ")[2] for notice in template.left_out] == [
        "url: the Framework has no setting invokeMode and ignores it: write invoke: RESPONSE_STREAM"
    ]


def test_cors_of_a_url(folder: Path) -> None:
    own = "{allowedOrigins: https://a.example, allowedMethods: [GET], exposedResponseHeaders: [X-A], maxAge: 60}"

    assert load(folder, f"{SERVICE}    url: {{cors: {own}}}\n").functions[0].cors == {
        "AllowOrigins": ["https://a.example"],
        "AllowMethods": ["GET"],
        "ExposeHeaders": ["X-A"],
        "MaxAge": 60,
    }
    default = load(folder, f"{SERVICE}    url: {{cors: true}}\n").functions[0].cors
    assert default is not None
    assert (default["AllowOrigins"], default["AllowMethods"]) == (["*"], ["*"])
    assert "X-Amzn-Trace-Id" in default["AllowHeaders"]


def test_extensions_and_resources_count(folder: Path) -> None:
    text = f"""{SERVICE}
    url: true
    environment: {{TABLE: !Ref Table, SECRET: "${{ssm:/secret}}"}}
resources:
  - Resources:
      Table: {{Type: AWS::DynamoDB::Table, Properties: {{TableName: rows}}}}
    extensions:
      TellLambdaFunctionUrl: {{Properties: {{InvokeMode: RESPONSE_STREAM}}}}
      TellLambdaFunction: {{Properties: {{Timeout: 60}}}}
"""
    template = load(folder, text)

    (function,) = template.functions
    assert (function.invoke_mode, function.timeout) == ("RESPONSE_STREAM", 60)
    assert (function.environment["TABLE"], function.unset) == ("rows", ("SECRET",))
    assert template.unresolved == ("${ssm:/secret}",)


def test_layers_are_found_by_their_paths_and_their_logical_ids(folder: Path) -> None:
    text = f"{SERVICE}    layers: [!Ref MyDashtoolsLambdaLayer]\nlayers:\n  my-tools: {{path: layer}}\n"

    assert load(folder, text).functions[0].layers == (Layer("MyDashtoolsLambdaLayer", folder / "layer"),)


def test_events_of_api_gateway_are_routes(folder: Path) -> None:
    text = SERVICE.replace("name: aws", "name: aws\n  stage: live\n  httpApi: {payload: '1.0', cors: true}")
    text += """
    events:
      - http: GET stories/{id}
      - http: {path: /stories, method: post, cors: {origin: https://a.example}, timeoutInMillis: 5000}
      - httpApi: "*"
      - httpApi: POST /stories
      - httpApi: {path: /any, method: "*"}
      - schedule: rate(1 hour)
"""
    rest, http = load(folder, text).apis

    assert (rest.name, rest.stage) == ("ApiGatewayRestApi", "live")
    assert [(route.method, route.path, route.timeout) for route in rest.routes if route.preflight is None] == [
        ("GET", "/stories/{id}", 29),
        ("POST", "/stories", 5),
    ]
    assert [route.preflight[0] for route in rest.routes if route.preflight is not None] == [
        ("access-control-allow-origin", "https://a.example")
    ] * 2
    assert (http.name, http.stage) == ("HttpApi", "$default")
    assert [(route.method, route.path, route.payload_format) for route in http.routes] == [
        ("ANY", "$default", "1.0"),
        ("POST", "/stories", "1.0"),
        ("ANY", "/any", "1.0"),
    ]
    assert http.cors is not None
    assert http.cors["AllowOrigins"] == ["*"]


def test_what_is_not_served_is_named_once(folder: Path) -> None:
    (folder / "requirements.txt").write_text("a\n")
    text = f"""{SERVICE}
    events:
      - http: {{path: a, method: get, integration: lambda}}
      - http: {{path: b, method: get, response: {{transferMode: STREAM}}, authorizer: aws_iam}}
      - websocket: $connect
      - alb: {{}}
  picture: {{image: some/image}}
  secret: {{handler: "${{ssm:/handler}}"}}
"""
    template = load(folder, text)

    images = {function.name: function.image and function.image.uri for function in template.functions}
    assert images == {"stories-dev-tell": None, "stories-dev-picture": "some/image"}
    told = "\n".join(template.left_out)
    for part in (
        "tell: the event http 1 is not served: its integration is lambda",
        "tell: the event http 2: response.transferMode is STREAM: the emulator serves it buffered",
        "tell: the event websocket 3 is not served: the emulator serves WebSocket APIs of SAM and CloudFormation only",
        "tell: the event alb 4 is not served: the emulator serves no load balancers",
        "does not enforce its Auth",
        "SecretLambdaFunction is left out: its Handler is ${ssm:/handler}, which cannot be resolved here",
        "requirements.txt is installed here; the Framework installs it only with the plugin serverless-python-req",
    ):
        assert told.count(part) == 1, told
    with_plugin = load(folder, f"plugins: [serverless-python-requirements]\n{text}")
    assert "requirements.txt" not in "\n".join(with_plugin.left_out)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("service: a\nprovider: {name: aws}\n", "there are no functions in it"),
        ("service: a\nprovider: {name: google}\nfunctions: {a: {}}\n", "its provider is google"),
        ("service: a\nfunctions: [1]\n", r"serverless\.yml:2: functions: it is the value 1 instead of a mapping"),
        ("service: a\nfunctions: ${file(a.js)}\n", r"functions: \$\{file\(a\.js\)\} cannot be resolved here"),
        ("service: a\nfunctions: {a: {handler: a.b}}\n", "it has no Runtime"),
        (
            f"{SERVICE}    url: {{authorizer: mine}}\n",
            r"serverless\.yml:10: tell: url: authorizer: 'mine' is not aws_iam",
        ),
        (f"{SERVICE}    url: {{invoke: sometimes}}\n", "'SOMETIMES' is not BUFFERED or RESPONSE_STREAM"),
        (f"{SERVICE}    url: {{cors: {{origins: 1}}}}\n", "url: cors: origins is not one of allowedOrigins"),
        (f"{SERVICE}    timeout: soon\n", "Timeout: 'soon' is not a number of seconds"),
        ("service: a\nfunctions: ${self:functions}\n", "something in it refers to itself"),
    ],
)
def test_what_is_not_valid_is_named(folder: Path, text: str, message: str) -> None:
    with pytest.raises(TemplateError, match=message):
        load(folder, text)


def test_the_check_names_the_lines_of_serverless_yml(folder: Path) -> None:
    path = folder / "serverless.yml"
    text = f"""{SERVICE}
    url: {{invoke: RESPONSE_STREAM}}  # line 11
    timeout: 5
    layers: [arn:aws:lambda:us-east-1:1:layer:streamify:7]
"""
    path.write_text(text)

    found = {finding.rule: finding for finding in check_template(path)}

    assert {rule: finding.line for rule, finding in found.items()} == {"short-timeout": 12, "no-wrapper": 8}
    assert found["short-timeout"].fix == "in CloudFormation's words: Timeout: 60"
    path.write_text(text.replace("timeout: 5", "timeout: 5  # streamify: ignore short-timeout"))
    assert [finding.rule for finding in check_template(path)] == ["no-wrapper"]
