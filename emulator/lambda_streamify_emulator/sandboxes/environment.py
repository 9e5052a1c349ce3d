"""The environment of a sandbox: what Lambda sets, then what the template sets, and nothing of the developer's shell.

Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..template.intrinsics import REGION
from ..template.reader import Function

INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
# Searched for programs after the interpreter's own folder. /opt/bin is the layers'.
PATH = "/usr/local/bin:/usr/bin:/bin"
# A function acts for nobody unless the template's variables say for whom. Without HOME the user's entry in the password
# database would lead to the developer's own: to profiles, .netrc, and tokens of all kinds. Lambda's entry leads to this
# folder, as errors of many users show; it is neither there nor here.
_NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "BOTO_CONFIG": os.devnull,  # botocore looks into /etc/boto.cfg otherwise
    "HOME": "/home/sbx_user1051",
}
# Where SDKs look for credentials (AWS SDKs and Tools Reference Guide, "Environment variables support").
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)
# Of all services, and of one (ibidem, "Service-specific endpoints"): where moto or LocalStack stands for AWS.
_ENDPOINTS = "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class Folders:
    """What stands for /opt, /var/task and /var/runtime."""

    opt: Path
    task: Path
    runtime: Path


def sandbox_environment(
    function: Function,
    folders: Folders,
    python: Path,
    log_stream: str,
    api_address: str,
    *,
    with_credentials: bool = False,
) -> dict[str, str]:
    """The variables of one sandbox, whose Runtime API is at `api_address`.

    With `with_credentials` SDKs in it find what they find in the emulator's own environment, and act for its user, at
    the endpoints that are named there.
    """
    lambda_variables = {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        INITIALIZATION_TYPE: "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        "AWS_LAMBDA_RUNTIME_API": api_address,
        "AWS_REGION": REGION,
        "LAMBDA_RUNTIME_DIR": str(folders.runtime),
        "LAMBDA_TASK_ROOT": str(folders.task),
        "LANG": "en_US.UTF-8",
        "PATH": f"{python.parent}:{PATH}:{folders.opt / 'bin'}",
        "TZ": ":UTC",
        "_HANDLER": function.handler,
    }
    credentials = _NO_CREDENTIALS
    if with_credentials:
        credentials = {
            name: value for name, value in os.environ.items() if name in _CREDENTIALS or name.startswith(_ENDPOINTS)
        }
    return {**lambda_variables, **credentials, **_mapped(function.environment, folders.opt)}


def _mapped(variables: Mapping[str, str], opt: Path) -> dict[str, str]:
    """The template's variables; a wrapper's path in /opt becomes the one in the folder that stands for it."""
    wrappers = ("AWS_LAMBDA_EXEC_WRAPPER", "STREAMIFY_NEXT_WRAPPER")
    return {
        name: f"{opt}/{value.removeprefix('/opt/')}" if name in wrappers and value.startswith("/opt/") else value
        for name, value in variables.items()
    }
