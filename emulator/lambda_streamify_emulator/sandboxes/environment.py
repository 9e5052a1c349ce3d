"""The environment of a sandbox: Lambda's variables, then the template's, and nothing from the developer's shell.

Sources: AWS Lambda Developer Guide, "Defined runtime environment variables"; for PWD, AWS_XRAY_* and others, what
LocalStack's tests recorded on AWS in 2023 and 2026 (snapshots of `test_introspection_invoke` and
`test_lambda_init_environment`).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..account import REGION
from ..containers.environment import container_environment
from ..template.reader import Function

INITIALIZATION_TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
LOG_STREAM = "AWS_LAMBDA_LOG_STREAM_NAME"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
# Folders that are searched for programs after the interpreter's own folder. The layers' /opt/bin comes last.
PATH = "/usr/local/bin:/usr/bin:/bin"
# The default address of the X-Ray daemon. Lambda's own, 169.254.79.129, would send traces away from this machine.
XRAY_HOST, XRAY_PORT = "127.0.0.1", "2000"
# A function has no credentials unless the template's variables give it some. Without HOME, programs would take the home
# folder from the password database: the developer's own, with profiles, .netrc and tokens of all kinds. Lambda's entry
# names the folder below, as the errors of many users show; it does not exist there or here.
_NO_CREDENTIALS = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "BOTO_CONFIG": os.devnull,  # else botocore reads /etc/boto.cfg
    "HOME": "/home/sbx_user1051",
}
# Variables in which SDKs look for credentials (AWS SDKs and Tools Reference Guide, "Environment variables support").
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
# The prefix of variables that set the endpoint of all services, or of one (same guide, "Service-specific endpoints").
# They are how moto or LocalStack replaces AWS.
_ENDPOINTS = "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class Folders:
    """The folders that replace /opt, /var/task and /var/runtime."""

    opt: Path
    task: Path
    runtime: Path


def is_os_only(runtime: str) -> bool:
    """Whether a runtime is only an operating system: the function brings a program that runs it."""
    return runtime.startswith("provided")


def sandbox_environment(
    function: Function,
    folders: Folders,
    interpreter: Path | None,
    log_stream: str,
    api_address: str,
    *,
    with_credentials: bool = False,
    max_concurrency: int | None = None,
) -> dict[str, str]:
    """Return the variables of one sandbox, whose Runtime API is at `api_address`.

    `max_concurrency` is the number of invocations at a time as on managed instances, None elsewhere.
    `with_credentials` passes on the credentials and endpoints in the emulator's own environment: SDKs in the sandbox
    then act as the developer.
    """
    path = f"{PATH}:{folders.opt / 'bin'}"
    lambda_variables = {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        INITIALIZATION_TYPE: "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        LOG_STREAM: log_stream,
        "AWS_LAMBDA_RUNTIME_API": api_address,
        "AWS_REGION": REGION,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": f"{XRAY_HOST}:{XRAY_PORT}",
        "LAMBDA_RUNTIME_DIR": str(folders.runtime),
        "LAMBDA_TASK_ROOT": str(folders.task),
        "LANG": "en_US.UTF-8",
        "LD_LIBRARY_PATH": _library_path(folders),
        "PATH": f"{interpreter.parent}:{path}" if interpreter else path,
        "PWD": str(folders.task),
        "SHLVL": "0",
        "TZ": ":UTC",
        "_AWS_XRAY_DAEMON_ADDRESS": XRAY_HOST,
        "_AWS_XRAY_DAEMON_PORT": XRAY_PORT,
        "_HANDLER": function.handler,
    }
    if not is_os_only(function.runtime):  # the start scripts of AWS's images set it; OS-only ones have no script
        lambda_variables["AWS_EXECUTION_ENV"] = f"AWS_Lambda_{function.runtime}"
    if function.runtime.startswith("nodejs"):
        lambda_variables["NODE_PATH"] = _node_path(function.runtime, folders)
    credentials = _NO_CREDENTIALS
    if with_credentials:
        credentials = {
            name: value for name, value in os.environ.items() if name in _CREDENTIALS or name.startswith(_ENDPOINTS)
        }
    managed = {} if max_concurrency is None else _managed_variables(max_concurrency)
    if function.image is not None:
        own = container_environment({**lambda_variables, **credentials}, function.environment)
    else:
        own = {**lambda_variables, **credentials, **_map_wrappers(function.environment, folders.opt)}
    return {**own, **managed}


def _managed_variables(max_concurrency: int) -> dict[str, str]:
    """Return the variables of managed instances. A function cannot change them.

    Source: `internal/lambda-managed-instances/rapidcore/env` of AWS's Runtime Interface Emulator. Logs are always JSON
    there (AWS Lambda Developer Guide, "Lambda Managed Instances").
    """
    return {
        "AWS_LAMBDA_LOG_FORMAT": "JSON",
        "AWS_LAMBDA_MAX_CONCURRENCY": str(max_concurrency),
        INITIALIZATION_TYPE: "lambda-managed-instances",
    }


def _library_path(folders: Folders) -> str:
    """Return the folders that the dynamic loader searches first.

    On Lambda, folders of the interpreter and of the system come before these. They are left out: this machine's loader
    finds its own, and if they were listed, they would override the libraries that its programs were linked with.
    """
    own = (folders.runtime, folders.runtime / "lib", folders.task, folders.task / "lib", folders.opt / "lib")
    return ":".join(map(str, own))


def _node_path(runtime: str, folders: Folders) -> str:
    """Return the folders in which `require` looks for modules, as in the environments that functions on AWS printed."""
    nodejs = folders.opt / "nodejs"
    version = runtime.removesuffix(".x").replace("nodejs", "node")
    modules = (nodejs / version / "node_modules", nodejs / "node_modules", folders.runtime / "node_modules")
    return ":".join(map(str, (*modules, folders.runtime, folders.task)))


def _map_wrappers(variables: Mapping[str, str], opt: Path) -> dict[str, str]:
    """Return the template's variables, with the /opt in the paths of wrappers replaced by the folder `opt`."""
    wrappers = (WRAPPER, "STREAMIFY_NEXT_WRAPPER")
    return {
        name: f"{opt}/{value.removeprefix('/opt/')}" if name in wrappers and value.startswith("/opt/") else value
        for name, value in variables.items()
    }
