"""What the Lambda API tells of a function, as far as a template knows it.

Source: AWS Lambda API Reference, "FunctionConfiguration" and "GetFunctionUrlConfig".
"""

import platform
import time
from typing import Any

from ..template.intrinsics import ACCOUNT_ID, REGION
from ..template.reader import Function

_LAYERS = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:layer"
_STARTED = time.time()  # stands for the time of the deployment


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(seconds))


def description(function: Function) -> dict[str, Any]:
    """The configuration of `function`."""
    return {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": function.runtime,
        "Role": f"arn:aws:iam::{ACCOUNT_ID}:role/local",
        "Handler": function.handler,
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "Version": "$LATEST",
        **({"Environment": {"Variables": dict(function.environment)}} if function.environment else {}),
        "Layers": [{"Arn": f"{_LAYERS}:{layer.logical_id}:1"} for layer in function.layers],
        "PackageType": "Zip",
        "Architectures": ["arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"],
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "LastModified": _timestamp(_STARTED),
    }


def url_description(function: Function, address: str) -> dict[str, Any]:
    """The configuration of its URL, which is at `address`."""
    return {
        "FunctionUrl": address,
        "FunctionArn": function.arn,
        "AuthType": function.auth_type,
        **({} if function.cors is None else {"Cors": function.cors}),
        "InvokeMode": function.invoke_mode,
        "CreationTime": _timestamp(_STARTED),
        "LastModifiedTime": _timestamp(_STARTED),
    }
