"""The environment of a sandbox: what Lambda sets, then what the template sets, and nothing of the developer's shell.

Source: AWS Lambda Developer Guide, "Defined runtime environment variables".
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .intrinsics import REGION
from .template import Function

INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
# Searched for programs after the interpreter's own folder. /opt/bin is the layers'.
PATH = "/usr/local/bin:/usr/bin:/bin"
# A function acts for nobody unless the template's variables say for whom. HOME is not set, but where an SDK looks for
# the developer's profiles the user's entry in the password database stands in for it.
_NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True)
class Folders:
    """What stands for /opt, /var/task and /var/runtime."""

    opt: Path
    task: Path
    runtime: Path


def sandbox_environment(
    function: Function, folders: Folders, python: Path, log_stream: str, api_address: str
) -> dict[str, str]:
    """The variables of one sandbox, whose Runtime API is at `api_address`."""
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
    return {**lambda_variables, **_NO_CREDENTIALS, **_mapped(function.environment, folders.opt)}


def _mapped(variables: Mapping[str, str], opt: Path) -> dict[str, str]:
    """The template's variables; a wrapper's path in /opt becomes the one in the folder that stands for it."""
    wrappers = ("AWS_LAMBDA_EXEC_WRAPPER", "STREAMIFY_NEXT_WRAPPER")
    return {
        name: f"{opt}/{value.removeprefix('/opt/')}" if name in wrappers and value.startswith("/opt/") else value
        for name, value in variables.items()
    }
