"""What the steps of a plan do on AWS. Each looks first: done a second time, it changes nothing.

So a step that was cut off, whose answer never came, is simply done again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import AttachError
from . import layer_zip, second_function
from .aws import CallError
from .marks import SECOND_OF
from .reading import policy, qualified, url_config
from .snapshot import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .aws import Aws

Facts = dict[str, str]


def publish_layer(aws: Aws, facts: Facts, *, layer: str) -> None:
    """Publish the layer of this package, unless the same bytes are published already."""
    facts["layer"] = layer_zip.publish(aws, layer)


def tag(aws: Aws, _: Facts, *, arn: str, tags: Mapping[str, str]) -> None:
    """Tag a function."""
    aws.call("TagResource", Resource=arn, Tags=dict(tags))


def untag(aws: Aws, _: Facts, *, arn: str, keys: Sequence[str]) -> None:
    """Remove tags from a function."""
    aws.call("UntagResource", Resource=arn, TagKeys=list(keys))


def configure(
    aws: Aws,
    _: Facts,
    *,
    function: str,
    variables: Mapping[str, str | None],
    add_layer: str | None = None,
    remove_layer: str | None = None,
    timeout: int | None = None,
) -> None:
    """Change variables (None removes one), layers and timeout in one update, leave all others, and wait for it."""
    aws.wait("function_updated_v2", FunctionName=function)
    now = aws.call("GetFunctionConfiguration", FunctionName=function)
    layers = [each["Arn"] for each in now.get("Layers") or []]
    wanted_layers = [arn for arn in layers if arn != remove_layer]
    if add_layer is not None and add_layer not in layers:
        wanted_layers.append(add_layer)
    environment = now.get("Environment") or {}
    if environment.get("Error"):
        raise AttachError(
            f"{function}: its environment variables cannot be read: {environment['Error'].get('Message')}"
        )
    before = environment.get("Variables") or {}
    kept = {name: value for name, value in before.items() if name not in variables}
    after = {**kept, **{name: value for name, value in variables.items() if value is not None}}
    changes: dict[str, Any] = {}
    if wanted_layers != layers:
        changes["Layers"] = wanted_layers
    if after != before:
        changes["Environment"] = {"Variables": after}
    if timeout is not None and timeout != now["Timeout"]:
        changes["Timeout"] = timeout
    if changes:
        if "RevisionId" in now:  # AWS then refuses if somebody else has changed the function since it was read
            changes["RevisionId"] = now["RevisionId"]
        aws.call("UpdateFunctionConfiguration", FunctionName=function, **changes)
    aws.wait("function_updated_v2", FunctionName=function)


def publish_version(aws: Aws, facts: Facts, *, function: str, description: str) -> None:
    """Publish a version. Without a change since the last one, Lambda returns that one.

    Source: the API reference, PublishVersion.
    """
    version = aws.call("PublishVersion", FunctionName=function, Description=description)["Version"]
    facts["version"] = version
    aws.wait("published_version_active", FunctionName=function, Qualifier=version)


def delete_version(aws: Aws, _: Facts, *, function: str, description: str) -> None:
    """Delete the versions with a description, unless an alias leads to them.

    A version is found by its description, since the answer that had its number may have been lost.
    """
    versions = list(aws.pages("ListVersionsByFunction", "Versions", FunctionName=function))
    used = set[str]()
    for alias in aws.pages("ListAliases", "Aliases", FunctionName=function):
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        used |= {alias["FunctionVersion"], *weights}
    for each in versions:
        if each.get("Description") == description and each["Version"] not in {*used, LATEST}:
            _unless_gone(aws, "DeleteFunction", FunctionName=function, Qualifier=each["Version"])


def create_alias(aws: Aws, _: Facts, *, function: str, alias: str, version: str, description: str) -> None:
    """Create an alias, unless it exists. Raise AttachError if its description says that it is another one."""
    found = _alias(aws, function, alias)
    if found is None:
        aws.call("CreateAlias", FunctionName=function, Name=alias, FunctionVersion=version, Description=description)
    elif found.get("Description") != description:
        raise AttachError(f"{function} has another alias {alias} by now: detach, and choose another name by --as")


def delete_alias(aws: Aws, _: Facts, *, function: str, alias: str, description: str) -> None:
    """Delete an alias, unless it is gone or another one."""
    found = _alias(aws, function, alias)
    if found is not None and found.get("Description") == description:
        _unless_gone(aws, "DeleteAlias", FunctionName=function, Name=alias)


def create_url(
    aws: Aws, facts: Facts, *, function: str, qualifier: str, auth: str, cors: Mapping[str, Any] | None = None
) -> None:
    """Create a streaming URL, unless it exists."""
    found = url_config(aws, function, qualifier)
    if found is None:
        arguments: dict[str, Any] = {
            "AuthType": auth,
            "InvokeMode": "RESPONSE_STREAM",
            **({"Cors": dict(cors)} if cors else {}),
        }
        found = aws.call("CreateFunctionUrlConfig", FunctionName=function, **qualified(qualifier), **arguments)
    elif found.get("InvokeMode") != "RESPONSE_STREAM" or found.get("AuthType") != auth:
        raise AttachError(
            f"{function} has another URL on {qualifier} by now: {found['FunctionUrl']}; detach, and plan again"
        )
    facts["url"] = found["FunctionUrl"]


def delete_url(aws: Aws, facts: Facts, *, function: str, qualifier: str) -> None:
    """Delete the streaming URL, unless it is gone or another one."""
    found = url_config(aws, function, qualifier)
    if found is None or found.get("InvokeMode") != "RESPONSE_STREAM":
        return
    if facts.get("url", found["FunctionUrl"]) == found["FunctionUrl"]:
        _unless_gone(aws, "DeleteFunctionUrlConfig", FunctionName=function, **qualified(qualifier))


def add_permission(
    aws: Aws, _: Facts, *, function: str, qualifier: str, statement: str, permission: Mapping[str, Any]
) -> None:
    """Add a statement to a resource policy, unless it is in it."""
    if not _has_statement(aws, function, qualifier, statement):
        on: dict[str, Any] = {"FunctionName": function, **qualified(qualifier)}
        aws.call("AddPermission", StatementId=statement, **on, **permission)


def remove_permission(aws: Aws, _: Facts, *, function: str, qualifier: str, statement: str) -> None:
    """Remove a statement from a resource policy, unless it is gone."""
    _unless_gone(aws, "RemovePermission", FunctionName=function, StatementId=statement, **qualified(qualifier))


def create_function(
    aws: Aws,
    _: Facts,
    *,
    source: str,
    function: str,
    layer: str,
    variables: Mapping[str, str | None],
    timeout: int | None = None,
) -> None:
    """Create a second function with the code and the settings of `source`, unless it exists."""
    owner = _owner(aws, function)
    if owner is None:
        arguments = second_function.arguments(aws, source, function, layer=layer, variables=variables, timeout=timeout)
        aws.call("CreateFunction", **arguments)
    elif owner != source:
        raise AttachError(
            f"the function {function} exists, and is not the second one of {source}: choose another by --as"
        )
    aws.wait("function_active_v2", FunctionName=function)


def delete_function(aws: Aws, _: Facts, *, source: str, function: str) -> None:
    """Delete the second function of `source`, unless it is gone."""
    owner = _owner(aws, function)
    if owner is None:
        return
    if owner != source:
        raise AttachError(f"the function {function} has no tag {SECOND_OF}={source}, so it is not deleted")
    aws.call("DeleteFunction", FunctionName=function)


OPERATIONS: dict[str, Callable[..., None]] = {
    operation.__name__: operation
    for operation in (
        publish_layer,
        tag,
        untag,
        configure,
        publish_version,
        delete_version,
        create_alias,
        delete_alias,
        create_url,
        delete_url,
        add_permission,
        remove_permission,
        create_function,
        delete_function,
    )
}


def _alias(aws: Aws, function: str, alias: str) -> dict[str, Any] | None:
    try:
        return aws.call("GetAlias", FunctionName=function, Name=alias)
    except CallError as error:
        if error.is_not_found:
            return None
        raise


def _owner(aws: Aws, function: str) -> str | None:
    """Return the tag that says whose second function this is, "" without one; None if there is no function."""
    try:
        found = aws.call("GetFunction", FunctionName=function)
    except CallError as error:
        if error.is_not_found:
            return None
        raise
    return str((found.get("Tags") or {}).get(SECOND_OF, ""))


def _has_statement(aws: Aws, function: str, qualifier: str, statement: str) -> bool:
    return any(each.get("Sid") == statement for each in policy(aws, function, qualifier))


def _unless_gone(aws: Aws, operation: str, **arguments: Any) -> None:
    try:
        aws.call(operation, **arguments)
    except CallError as error:
        if not error.is_not_found:
            raise
