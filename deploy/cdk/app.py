"""A stack with one streaming function: cdk deploy --context layer=ARN."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from streaming_function import StreamingFunction

app = cdk.App()
stack = cdk.Stack(app, "Hello")
hello = StreamingFunction(
    stack,
    "Hello",
    layer_arn=app.node.get_context("layer"),
    runtime=lambda_.Runtime.PYTHON_3_13,
    code=lambda_.Code.from_asset("../../functions/hello"),
    handler="app.lambda_handler",
)
cdk.CfnOutput(stack, "HelloUrl", value=hello.url.url)
app.synth()
