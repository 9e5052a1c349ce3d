"""Times that end a stream before its function does."""

import re
from collections.abc import Iterator

from ..template.apis import DEFAULT_TIMEOUT_S, EDGE
from .finding import WARNING, Finding, Place, Rule
from .project import REST_API, Project
from .routes import Route
from .values import is_unresolved, mapping_or_empty

SHORT_TIMEOUT_S = 10
"""A function that streams and has less, in seconds, is cut by most answers of a model. SAM's default is 3."""

FUNCTION = Rule("short-timeout", WARNING, "The `Timeout` of a function that streams is under 10 seconds.")
INTEGRATION = Rule(
    "integration-timeout",
    WARNING,
    "API Gateway ends a stream before the function's `Timeout`; its default is 29 seconds.",
)
ENDPOINT = Rule(
    "edge-endpoint",
    WARNING,
    "A REST API that streams is edge-optimized, and ends a stream that is silent for 30 seconds.",
)
RULES = (FUNCTION, INTEGRATION, ENDPOINT)


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        if function.streams and function.timeout is not None and function.timeout < SHORT_TIMEOUT_S:
            given = "its Timeout is" if "Timeout" in function.properties else "without a Timeout it has"
            yield FUNCTION.found(
                project.place(function.id, "Timeout"),
                function.id,
                f"it streams, and {given} {function.timeout} s: longer streams are cut",
                "Timeout: 60",
            )
    streaming = [route for route in project.routes if route.streams]
    for route in streaming:
        yield from _integration(project, route)
    first = {route.api: route for route in reversed(streaming) if route.api is not None}
    for api, route in first.items():
        yield from _endpoint(project, api, route)


def _integration(project: Project, route: Route) -> Iterator[Finding]:
    function = project.functions.get(route.function or "")
    given, key = route.timeout_ms, route.form.timeout_key
    if given is None:
        seconds: float = DEFAULT_TIMEOUT_S
    elif re.fullmatch(r"[0-9]{1,9}", str(given)):
        seconds = int(given) / 1000
    else:
        return
    if function is None or function.timeout is None or seconds >= function.timeout:
        return
    said = (
        f"{key} is {given}"
        if given is not None
        else f"it has no {key}, so API Gateway waits {DEFAULT_TIMEOUT_S} seconds"
    )
    yield INTEGRATION.found(
        route.place(key),
        route.owner,
        f"{route.label}: {said}, and the function's Timeout is {function.timeout} seconds: longer streams are cut",
        f"{key}: {function.timeout * 1000}",
    )


def _endpoint(project: Project, api: str, route: Route) -> Iterator[Finding]:
    configuration = project.api_properties(api).get("EndpointConfiguration")
    if is_unresolved(configuration):
        return
    is_cloudformation = project.resources.get(api, {}).get("Type") == REST_API
    types = configuration
    if isinstance(configuration, dict):
        types = mapping_or_empty(configuration).get("Types" if is_cloudformation else "Type")
    kinds = types if isinstance(types, list) else [types or EDGE]
    if kinds != [EDGE] and kinds:
        return
    default = "" if types else ", as no EndpointConfiguration says otherwise"
    is_there = api in project.resources
    place: Place = project.place(api, "EndpointConfiguration") if is_there else route.place("RestApiId")
    line = (
        "EndpointConfiguration: {Types: [REGIONAL]}" if is_cloudformation else "EndpointConfiguration: {Type: REGIONAL}"
    )
    fix = line if is_there else f"{line} in an AWS::Serverless::Api, and RestApiId in the event"
    yield ENDPOINT.found(
        place,
        api,
        f"{route.label} streams, and the API is edge-optimized{default}: a stream that is silent for 30 seconds ends",
        fix,
    )
