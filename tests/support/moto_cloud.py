"""An AWS to deploy to: moto's server in a process of its own, and clients of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from processes import clean_environment
from waiting import TIMEOUT_S

REGION = "us-east-1"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}


class MotoCloud:
    """What was deployed to it. `variables` lead AWS's own tools to it."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.variables = {**CREDENTIALS, "AWS_ENDPOINT_URL": endpoint}

    def client(self, service: Any) -> Any:
        """Return boto3's client of a service."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",  # noqa: S106 - nobody checks it
        )

    def outputs(self, stack: str) -> dict[str, str]:
        """Return the outputs of a stack, by name."""
        (found,) = self.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}

    def archives(self, stack: str) -> dict[str, bytes]:
        """Return the zip of each function and layer of a stack as it was uploaded, by logical id."""
        template = self.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
        storage, found = self.client("s3"), {}
        for name, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            place = properties.get("Code") or properties.get("Content")
            if place:
                found[name] = storage.get_object(Bucket=place["S3Bucket"], Key=place["S3Key"])["Body"].read()
        return found

    def policy(self, function: str) -> list[dict[str, Any]]:
        """Return the statements of a function's own policy."""
        policy = json.loads(self.client("lambda").get_policy(FunctionName=function)["Policy"])
        statements: list[dict[str, Any]] = policy["Statement"]
        return statements


@contextmanager
def moto_cloud(log: Path) -> Iterator[MotoCloud]:
    """Run moto with our additions for the length of the block; what it logs goes to `log`."""
    program = Path(__file__).with_name("moto_additions.py")
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, program],
            env=clean_environment(**CREDENTIALS),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        assert endpoint, log.read_text()
        yield MotoCloud(endpoint)
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_S)
