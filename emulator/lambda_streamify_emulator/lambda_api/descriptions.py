"""The Lambda API's descriptions of functions and URLs, as far as a template has the data.

Source: AWS Lambda API Reference, "FunctionConfiguration" and "GetFunctionUrlConfig".
"""

import platform
import time
from typing import Any

from ..account import ACCOUNT_ID, REGION
from ..template.reader import Function

_LAYERS = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:layer"
_STARTED = time.time()  # in place of the time of the deployment


def _timestamp(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000+0000", time.gmtime(seconds))


def description(function: Function) -> dict[str, Any]:
    """Return the configuration of `function`."""
    return {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        **({"Runtime": function.runtime, "Handler": function.handler} if function.image is None else {}),
        "Role": f"arn:aws:iam::{ACCOUNT_ID}:role/local",
        "Timeout": function.timeout,
        "MemorySize": function.memory,
        "Version": "$LATEST",
        **({"Environment": {"Variables": dict(function.environment)}} if function.environment else {}),
        "Layers": [{"Arn": f"{_LAYERS}:{layer.logical_id}:1"} for layer in function.layers],
        "PackageType": "Zip" if function.image is None else "Image",
        "Architectures": ["arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"],
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "LastModified": _timestamp(_STARTED),
    }


def code_description(function: Function) -> dict[str, Any]:
    """Return where the code of `function` is (Lambda API Reference, "FunctionCodeLocation")."""
    if function.image is not None:
        return {"RepositoryType": "ECR", "ImageUri": function.image.uri}
    return {"RepositoryType": "local", "Location": function.code.as_uri()}


def url_description(function: Function, address: str) -> dict[str, Any]:
    """Return the configuration of the function's URL, which is `address`."""
    return {
        "FunctionUrl": address,
        "FunctionArn": function.arn,
        "AuthType": function.auth_type,
        **({} if function.cors is None else {"Cors": function.cors}),
        "InvokeMode": function.invoke_mode,
        "CreationTime": _timestamp(_STARTED),
        "LastModifiedTime": _timestamp(_STARTED),
    }
