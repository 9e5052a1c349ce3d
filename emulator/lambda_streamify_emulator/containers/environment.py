"""The environment of a container: Lambda's variables and the function's own. All others are the image's.

The start script of AWS's images sets _HANDLER and AWS_EXECUTION_ENV itself. Variables with paths of this machine mean
nothing in the container, which has none of the developer's files.
"""

from collections.abc import Mapping

_OF_THE_IMAGE = frozenset(
    (
        "AWS_CONFIG_FILE",
        "AWS_EXECUTION_ENV",
        "AWS_PROFILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "BOTO_CONFIG",
        "HOME",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "LANG",
        "LD_LIBRARY_PATH",
        "PATH",
        "PWD",
        "SHLVL",
        "_HANDLER",
    )
)


def container_environment(variables: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a container. `variables` are those of a sandbox, `own` are the template's."""
    lambdas = {name: value for name, value in variables.items() if name not in _OF_THE_IMAGE}
    return {**lambdas, **own}
