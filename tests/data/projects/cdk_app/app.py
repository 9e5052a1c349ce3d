"""Two stacks: functions with a URL and a REST API, and one function alone."""

import os

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_

RUNTIME = lambda_.Runtime(
    os.environ.get("PYTHON_RUNTIME", "python3.13"), lambda_.RuntimeFamily.PYTHON, supports_inline_code=True
)
ENVIRONMENT = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}


def streamify(scope, id):
    arn = f"arn:aws:lambda:{cdk.Aws.REGION}:123456789012:layer:streamify:1"
    return lambda_.LayerVersion.from_layer_version_arn(scope, id, arn)


class Stories(cdk.Stack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        code = lambda_.Code.from_asset("src")
        words = lambda_.LayerVersion(self, "Words", code=lambda_.Code.from_asset("layer"))
        common = {"runtime": RUNTIME, "code": code, "layers": [words, streamify(self, "Streamify")]}
        story = lambda_.Function(
            self,
            "Story",
            handler="app.story",
            timeout=cdk.Duration.seconds(60),
            environment={**ENVIRONMENT, "STREAMIFY_INVOKE_MODE": "response_stream"},
            **common,
        )
        item = lambda_.Function(self, "Item", handler="app.item", environment=ENVIRONMENT, **common)
        url = story.add_function_url(
            auth_type=lambda_.FunctionUrlAuthType.NONE, invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM
        )
        api = apigateway.RestApi(
            self,
            "Api",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            default_cors_preflight_options=apigateway.CorsOptions(allow_origins=["https://page.example"]),
        )
        streaming = apigateway.LambdaIntegration(
            story, response_transfer_mode=apigateway.ResponseTransferMode.STREAM, timeout=cdk.Duration.seconds(60)
        )
        stories = api.root.add_resource("stories")
        stories.add_method("GET", streaming)
        stories.add_resource("{id}").add_method("ANY", apigateway.LambdaIntegration(item))
        cdk.CfnOutput(self, "Url", value=url.url)


class Alone(cdk.Stack):
    def __init__(self, scope, id):
        super().__init__(scope, id)
        code = lambda_.Code.from_inline("def handler(event, context):\n    return 'alone'\n")
        lambda_.Function(
            self,
            "Inline",
            runtime=RUNTIME,
            handler="index.handler",
            code=code,
            layers=[streamify(self, "Streamify")],
            environment=ENVIRONMENT,
        )


app = cdk.App()
Stories(app, "Stories")
Alone(cdk.Stage(app, "Prod"), "Alone")
app.synth()
