"""`streamify attach` against moto: the command, and functions to attach, one for each way."""

from typing import Any

from typer.testing import CliRunner, Result

from lambda_streamify_emulator.commands.cli import app
from moto_lambda import REGION, LambdaCloud

WAYS = ("in-place", "alias", "second-function", "in-place-buffered")


def streamify(*arguments: str, **kwargs: Any) -> Result:
    return CliRunner().invoke(app, [*arguments, "--region", REGION], **kwargs)


def attach(cloud: LambdaCloud, *options: str, via: str | None = None) -> Result:
    way = [] if via is None else ["--via", via]
    return streamify("attach", "orders", "--layer", cloud.layer_arn, "--yes", *way, *options)


def furnish(cloud: LambdaCloud, via: str) -> None:
    """Make the function of each way, with what stays as it is."""
    variables = {"TABLE": "orders", "AWS_LAMBDA_EXEC_WRAPPER": "/opt/otel-instrument"}
    cloud.function(
        Layers=[cloud.layer("otel")],
        Environment={"Variables": variables},
        Timeout=7,
        Tags={"team": "a"},
        MemorySize=256,
    )
    cloud.alias("live")
    if via == "alias":
        cloud.url("live", Cors={"AllowOrigins": ["*"]})
    if via in ("second-function", "in-place-buffered"):
        cloud.url()
    cloud.client.add_permission(
        FunctionName="orders", StatementId="topic", Action="lambda:InvokeFunction", Principal="sns.amazonaws.com"
    )
