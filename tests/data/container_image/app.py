"""The function in the container image. A direct event, or the query of a request, says what it does."""

import os
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from socket import create_connection
from typing import Any

import lambda_streamify


def lambda_handler(event: dict[str, Any], _context: object) -> object:
    asked = event.get("queryStringParameters") or event
    if "gate" in asked:
        return {"statusCode": 201, "headers": {"x-kind": "brief"}, "body": gated(asked["gate"])}
    if "seconds" in asked:
        print("I sleep", flush=True)  # noqa: T201
        time.sleep(float(asked["seconds"]))
    if "megabytes" in asked:
        kept = b"x" * int(asked["megabytes"]) * 1024**2
        time.sleep(60)
        del kept
    if "fails" in asked:
        raise ValueError("no answer")
    boto3 = find_spec("boto3")
    found = {
        "package": lambda_streamify.__file__,
        "path": sys.path,
        "boto3": boto3 and boto3.origin,
        "environment": dict(os.environ),
        "folder": str(Path.cwd()),
        "writable": [folder for folder in ("/tmp", "/var/task") if os.access(folder, os.W_OK)],  # noqa: S108
        "main": sys.modules["__main__"].__file__,
    }
    return found if "plain" in asked else iter([str(found["package"]), "\n", "żółw"])


def gated(address: str) -> Iterator[str]:
    """Wait for the test after the first chunk, and fail after the second."""
    host, _, port = address.rpartition(":")
    with create_connection((host, int(port))) as gate:
        yield "one"
        gate.sendall(b"?")
        if gate.recv(1) != b"!":
            raise RuntimeError("the gate is gone")
    yield "two"
    raise LookupError("no third chunk")
