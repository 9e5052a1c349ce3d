"""The environment variables of an external extension: the function's, without those that belong to the runtime.

Source: AWS Lambda Developer Guide, "Lambda Extensions API", environment variables; the rule for names that begin with
an underscore is that of AWS's Runtime Interface Emulator (`rapidcore/env`).
"""

from collections.abc import Iterable, Mapping

_HIDDEN = frozenset(
    (
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_XRAY_CONTEXT_MISSING",
        "AWS_XRAY_DAEMON_ADDRESS",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    )
)
# Not a variable of Lambda's: by it the reaper finds processes that have left their process group. The runtime is found
# by the name of its log stream, which extensions do not see.
SANDBOX = "STREAMIFY_SANDBOX"


def hidden_variables(variables: Iterable[str]) -> list[str]:
    """Return the names of variables that the runtime may have and an extension has not.

    `variables` are the runtime's, as far as they are known: an image has its own.
    """
    return sorted(_HIDDEN.union(name for name in variables if name.startswith("_")))


def extension_environment(variables: Mapping[str, str], sandbox: str) -> dict[str, str]:
    """Return the variables of an extension. `variables` are the runtime's, `sandbox` is the sandbox's own name."""
    hidden = hidden_variables(variables)
    return {**{name: value for name, value in variables.items() if name not in hidden}, SANDBOX: sandbox}
