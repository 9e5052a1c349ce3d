"""Reads how many invocations at a time a function runs in one environment, if it runs on Lambda Managed Instances.

Sources: AWS CloudFormation Template Reference, "AWS::Lambda::Function LambdaManagedInstancesCapacityProviderConfig";
AWS SAM Developer Guide, "CapacityProviderConfig". AWS Lambda Developer Guide, "Lambda Managed Instances": 16 for each
vCPU by default. That the default ratio of memory to vCPUs is 2 GiB is an assumption.
"""

from typing import Any

from ..errors import TemplateError
from .stack import Stack
from .values import mapping, number

PROPERTY = "CapacityProviderConfig"
MAXIMUM, RATIO = "PerExecutionEnvironmentMaxConcurrency", "ExecutionEnvironmentMemoryGiBPerVCpu"
ARNS = ("Arn", "CapacityProviderArn")
HIGHEST = 1600
DEFAULT_PER_VCPU, DEFAULT_RATIO = 16, 2


def read_max_concurrency(where: str, stack: Stack, logical_id: str, memory: int) -> int | None:
    """Return the number; None for a function that runs on demand. `memory` is the function's, in MB.

    Raises TemplateError. The ARN of the capacity provider is not resolved: often only a deployed stack knows it.
    """
    where = f"{where}: {PROPERTY}"
    resolved = stack.intrinsics.resolve({PROPERTY: _without_arns(stack.raw(logical_id).get(PROPERTY))})
    config = mapping(where, resolved.get(PROPERTY))
    # CloudFormation has one level more than SAM.
    found = mapping(where, config.get("LambdaManagedInstancesCapacityProviderConfig", config))
    if not found:
        return None
    if found.get(MAXIMUM) is None or isinstance(found[MAXIMUM], dict):  # an unresolved value is reported elsewhere
        return DEFAULT_PER_VCPU * max(int(memory / 1024 / _ratio(found.get(RATIO))), 1)
    value = number(where, MAXIMUM, found[MAXIMUM], "invocations")
    if value > HIGHEST:
        raise TemplateError(f"{where}: {MAXIMUM}: {value} is more than {HIGHEST}")
    return value


def _without_arns(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_arns(item) for item in value]
    if isinstance(value, dict):
        return {key: "" if key in ARNS else _without_arns(item) for key, item in value.items()}
    return value


def _ratio(value: Any) -> float:
    try:
        return max(float(value), 1)
    except (TypeError, ValueError):  # missing, or unresolved
        return DEFAULT_RATIO
