"""A construct of the AWS CDK: a Python function whose URL streams, with the layer of lambda-streamify."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

WRAPPER = "/opt/streamify"


class StreamingFunction(Construct):
    """A function and its URL.

    `layer_arn` is a version of the layer in the stack's region: docs/layer-arns.md lists those that are published, and
    deploy/layer.yaml publishes one in your own account. `auth_type` says who may call the URL: by default those whom
    your AWS account allows to. All other arguments are those of `aws_lambda.Function`.

        StreamingFunction(
            self, "Story", layer_arn=arn, runtime=lambda_.Runtime.PYTHON_3_13,
            code=lambda_.Code.from_asset("story"), handler="app.lambda_handler",
        )
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        layer_arn: str,
        auth_type: lambda_.FunctionUrlAuthType = lambda_.FunctionUrlAuthType.AWS_IAM,
        timeout: cdk.Duration | None = None,
        layers: tuple[lambda_.ILayerVersion, ...] = (),
        environment: dict[str, str] | None = None,
        **function: Any,
    ) -> None:
        super().__init__(scope, id)
        layer = lambda_.LayerVersion.from_layer_version_arn(self, "Streamify", layer_arn)
        self.function = lambda_.Function(
            self,
            "Function",
            layers=[layer, *layers],
            environment={"AWS_LAMBDA_EXEC_WRAPPER": WRAPPER, **(environment or {})},
            # AWS's default of 3 seconds cuts most streams.
            timeout=timeout or cdk.Duration.seconds(60),
            **function,
        )
        # Without the mode, the URL waits for the end and sends everything at once.
        self.url = self.function.add_function_url(auth_type=auth_type, invoke_mode=lambda_.InvokeMode.RESPONSE_STREAM)
