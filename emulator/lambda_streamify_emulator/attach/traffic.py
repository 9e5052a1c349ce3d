"""Who would miss what `detach` takes away."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from .aws import CallError
from .reading import policy
from .snapshot import LATEST
from .ways import STATEMENT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from .aws import Aws
    from .plan import Plan
    from .snapshot import Function

_LOOKED_BACK = timedelta(hours=24)


def users(aws: Aws, function: Function, plan: Plan, now: datetime) -> Iterator[str]:
    """Yield in words who still uses the alias, the second function or the URL of a plan, or why nobody can know."""
    if plan.via == "in-place-buffered":
        return
    yield from _invocations(aws, plan, now)
    if plan.via == "alias":
        for statement in function.statements:
            if statement.qualifier == plan.name and not statement.id.startswith(STATEMENT):
                yield f"the policy of the alias {plan.name} lets {statement.principal} in ({statement.id})"
        for source in function.event_sources:
            if source.qualifier == plan.name:
                yield f"{source.arn} is an event source of the alias {plan.name}"
    if plan.via == "second-function":
        for each in policy(aws, plan.name, LATEST):
            if not each.get("Sid", "").startswith(STATEMENT):
                yield f"the policy of {plan.name} has the statement {each.get('Sid')}"


def _invocations(aws: Aws, plan: Plan, now: datetime) -> Iterator[str]:
    # Lambda Developer Guide, "Types of metrics": by Resource, a metric counts one alias or function; "urls-monitoring".
    name = plan.name if plan.via == "second-function" else plan.function
    metric = "UrlRequestCount" if plan.via == "in-place" else "Invocations"
    what = f"the alias {plan.name}" if plan.via == "alias" else f"the function {name}"
    resource = f"{name}:{plan.name}" if plan.via == "alias" else name
    try:
        found = aws.call(
            "GetMetricStatistics",
            "cloudwatch",
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": name}, {"Name": "Resource", "Value": resource}],
            StartTime=now - _LOOKED_BACK,
            EndTime=now,
            Period=int(_LOOKED_BACK.total_seconds()),
            Statistics=["Sum"],
        )
    except CallError as error:
        yield f"whether {what} has traffic is not known: {error}"
        return
    count = int(sum(each["Sum"] for each in found["Datapoints"]))
    if count:
        url = " by its URLs" if metric == "UrlRequestCount" else ""
        yield f"{what} was called {count:,} times{url} in the last 24 hours"
