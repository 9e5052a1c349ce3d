"""Reads a function and its surroundings. Nothing here changes anything on AWS."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any

from ..errors import AttachError
from .aws import Aws, CallError
from .marks import SECOND_OF
from .snapshot import FUNCTION_NAME, LATEST, Alias, EventSource, Function, Integration, Statement, Url, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"(arn:[^:]+:lambda:[^:]+:[^:]+:function:)?(?P<name>[A-Za-z0-9_-]+)(?P<qualifier>:.+)?")
_EXECUTE_API = re.compile(r"arn:[^:]+:execute-api:[^:]+:[^:]+:(?P<api>[^/]+)")
_SUGGESTIONS = 3


def short_name(name: str) -> str:
    """Return the name in a name or an ARN. Raises AttachError if it is neither, or names an alias or a version."""
    parts = _NAME.fullmatch(name)
    if parts is None:
        raise AttachError(f"{name!r} is not the name or the ARN of a function")
    if parts["qualifier"]:
        raise AttachError(f"{name}: name the function alone, {name.removesuffix(parts['qualifier'])}")
    return parts["name"]


def read(aws: Aws, name: str, *, second: str | None = None, layer: str | None = None) -> Function:
    """Read the function `name`. Raises AttachError if there is none, or the credentials may not.

    `second` is the name that a second function would have. `layer` is the ARN of the layer to attach.
    """
    found = _function(aws, name)
    configuration = found["Configuration"]
    function = configuration["FunctionName"]
    environment = configuration.get("Environment") or {}
    if environment.get("Error"):
        problem = environment["Error"].get("Message", "")
        raise AttachError(f"{function}: its environment variables cannot be read, so none can be added: {problem}")
    unread: list[str] = []
    aliases = tuple(map(_alias, aws.pages("ListAliases", "Aliases", FunctionName=function)))
    qualifiers = (LATEST, *(alias.name for alias in aliases))
    statements = tuple(each for qualifier in qualifiers for each in _statements(aws, function, qualifier))
    layers = configuration.get("Layers") or []
    return Function(
        name=function,
        arn=configuration["FunctionArn"],
        runtime=configuration.get("Runtime") or "",
        is_image=configuration.get("PackageType") == "Image",
        architecture=(configuration.get("Architectures") or ["x86_64"])[0],
        layers=tuple(each["Arn"] for each in layers),
        zipped_bytes=configuration.get("CodeSize", 0) + sum(each.get("CodeSize", 0) for each in layers),
        code_bytes=configuration.get("CodeSize", 0),
        variables=environment.get("Variables") or {},
        in_vpc=bool((configuration.get("VpcConfig") or {}).get("SubnetIds")),
        snap_start=(configuration.get("SnapStart") or {}).get("ApplyOn", "None") != "None",
        isolates_tenants=(configuration.get("TenancyConfig") or {}).get("TenantIsolationMode") == "PER_TENANT",
        is_durable=bool(configuration.get("DurableConfig")),
        timeout_s=configuration.get("Timeout", 3),
        tags=found.get("Tags") or {},
        aliases=aliases,
        versions=tuple(_versions(aws, function)),
        urls=tuple(url for qualifier in qualifiers for url in _urls(aws, function, qualifier)),
        statements=statements,
        event_sources=tuple(_event_sources(aws, function, qualifiers, unread)),
        integrations=tuple(_integrations(aws, statements, unread)),
        unread=tuple(unread),
        layer_problem=None if layer is None else _layer_problem(aws, layer),
        others=_others(aws, second),
    )


def _function(aws: Aws, name: str) -> dict[str, Any]:
    try:
        return aws.call("GetFunction", FunctionName=name)
    except CallError as error:
        if not error.is_not_found:
            raise
        region = aws.client("lambda").meta.region_name
        message = f"there is no function {name} in {region}{_similar(aws, name)}: see --region and --profile"
        raise AttachError(message) from error


def _similar(aws: Aws, name: str) -> str:
    """Return a suggestion of names like `name`; "" if there are none, or they may not be listed."""
    try:
        names = [each["FunctionName"] for each in aws.pages("ListFunctions", "Functions")]
    except CallError:
        return ""
    lower = {each.lower(): each for each in names}
    close = difflib.get_close_matches(name.lower(), lower, _SUGGESTIONS)
    return f"; there is {', '.join(lower[each] for each in close)}" if close else ""


def _alias(found: dict[str, Any]) -> Alias:
    weights = (found.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
    return Alias(found["Name"], (found["FunctionVersion"], *weights))


def _versions(aws: Aws, function: str) -> Iterator[Version]:
    for each in aws.pages("ListVersionsByFunction", "Versions", FunctionName=function):
        if each["Version"] != LATEST:
            yield Version(each["Version"], each.get("Description", ""))


def _urls(aws: Aws, function: str, qualifier: str) -> Iterator[Url]:
    found = url_config(aws, function, qualifier)
    if found is not None:
        streams = found.get("InvokeMode") == "RESPONSE_STREAM"
        yield Url(qualifier, found["FunctionUrl"], found["AuthType"], streams, found.get("Cors") or None)


def url_config(aws: Aws, function: str, qualifier: str) -> dict[str, Any] | None:
    """Return what GetFunctionUrlConfig says of $LATEST or an alias; None if there is no URL."""
    try:
        return aws.call("GetFunctionUrlConfig", FunctionName=function, **qualified(qualifier))
    except CallError as error:
        if error.is_not_found:
            return None
        raise


def qualified(qualifier: str) -> dict[str, str]:
    """Return the argument Qualifier of a call; URLs and policies of $LATEST are asked for without one."""
    return {} if qualifier == LATEST else {"Qualifier": qualifier}


def policy(aws: Aws, function: str, qualifier: str) -> list[dict[str, Any]]:
    """Return the statements of the resource policy of $LATEST or an alias."""
    try:
        found = aws.call("GetPolicy", FunctionName=function, **qualified(qualifier))
    except CallError as error:
        if error.is_not_found:
            return []
        raise
    statements: list[dict[str, Any]] = json.loads(found["Policy"])["Statement"]
    return statements


def _statements(aws: Aws, function: str, qualifier: str) -> Iterator[Statement]:
    for each in policy(aws, function, qualifier):
        principal = each.get("Principal", "")
        if isinstance(principal, dict):
            principal = next(iter(principal.values()), "")
        conditions = [value for condition in (each.get("Condition") or {}).values() for value in condition.items()]
        source = next((str(value) for key, value in conditions if key.lower() == "aws:sourcearn"), "")
        yield Statement(qualifier, each.get("Sid", ""), str(principal), source)


def _event_sources(aws: Aws, function: str, qualifiers: tuple[str, ...], unread: list[str]) -> Iterator[EventSource]:
    seen = set[str]()
    for qualifier in qualifiers:
        name = function if qualifier == LATEST else f"{function}:{qualifier}"
        try:
            found = list(aws.pages("ListEventSourceMappings", "EventSourceMappings", FunctionName=name))
        except CallError as error:
            unread.append(f"event sources: {error}")
            return
        for each in found:
            if each["UUID"] not in seen:
                seen.add(each["UUID"])
                yield EventSource(qualifier, each.get("EventSourceArn", "a source without an ARN"))


def _integrations(aws: Aws, statements: tuple[Statement, ...], unread: list[str]) -> Iterator[Integration]:
    """Yield the APIs that a policy lets in. One that calls by a role of its own leaves no statement."""
    seen = set[tuple[str, str]]()
    for statement in statements:
        source = _EXECUTE_API.match(statement.source)
        if source is None or (source["api"], statement.qualifier) in seen:
            continue
        seen.add((source["api"], statement.qualifier))
        try:
            yield _integration(aws, source["api"], statement.qualifier)
        except CallError as error:
            unread.append(f"the API {source['api']} of API Gateway: {error}")


def _integration(aws: Aws, api: str, qualifier: str) -> Integration:
    try:
        name = aws.call("GetApi", "apigatewayv2", ApiId=api).get("Name", api)
    except CallError as error:
        if not error.is_not_found:
            raise
    else:
        return Integration(qualifier, name, "HTTP")
    name = aws.call("GetRestApi", "apigateway", restApiId=api).get("name", api)
    found = aws.pages("GetResources", "items", "apigateway", restApiId=api, embed=["methods"])
    methods = [method for each in found for method in (each.get("resourceMethods") or {}).values()]
    streams = any((each.get("methodIntegration") or {}).get("responseTransferMode") == "STREAM" for each in methods)
    return Integration(qualifier, name, "REST", streams)


def _layer_problem(aws: Aws, arn: str) -> str | None:
    layer, _, version = arn.rpartition(":")
    try:
        aws.call("GetLayerVersion", LayerName=layer, VersionNumber=int(version))
    except CallError as error:
        return "there is no such version of a layer" if error.is_not_found else str(error)
    return None


def _others(aws: Aws, second: str | None) -> dict[str, str | None]:
    """Return whose second function `second` is, None for nobody's; no entry if there is no such function."""
    if second is None or not FUNCTION_NAME.fullmatch(second):
        return {}
    try:
        found = aws.call("GetFunction", FunctionName=second)
    except CallError as error:
        if error.is_not_found:
            return {}
        raise
    return {second: (found.get("Tags") or {}).get(SECOND_OF)}
