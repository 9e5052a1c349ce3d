"""The arguments that create a second function with the code and the settings of a first one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from ..errors import AttachError
from .marks import SECOND_OF

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .aws import Aws

_DOWNLOAD_TIMEOUT_S = 60
# Settings that CreateFunction takes as GetFunctionConfiguration gives them.
_COPIED = (
    "Role",
    "Handler",
    "Runtime",
    "Description",
    "MemorySize",
    "Timeout",
    "Architectures",
    "EphemeralStorage",
    "KMSKeyArn",
    "FileSystemConfigs",
    "DeadLetterConfig",
)
# Settings of which it takes some members. A log group is the first function's own.
_COPIED_MEMBERS = {
    "VpcConfig": ("SubnetIds", "SecurityGroupIds", "Ipv6AllowedForDualStack"),
    "TracingConfig": ("Mode",),
    "SnapStart": ("ApplyOn",),
    "LoggingConfig": ("LogFormat", "ApplicationLogLevel", "SystemLogLevel"),
}
NOT_COPIED = "concurrency settings, versions, aliases, event sources, permissions and destinations"


def arguments(
    aws: Aws, source: str, function: str, *, layer: str, variables: Mapping[str, str | None], timeout: int | None
) -> dict[str, Any]:
    """Return the arguments of CreateFunction for the function `function` with the code of `source` and the layer."""
    found = aws.call("GetFunction", FunctionName=source)
    now = found["Configuration"]
    layers = [each["Arn"] for each in now.get("Layers") or [] if each["Arn"] != layer]
    before = (now.get("Environment") or {}).get("Variables") or {}
    after = {name: value for name, value in {**before, **variables}.items() if value is not None}
    tags = {name: value for name, value in (found.get("Tags") or {}).items() if not name.startswith("aws:")}
    copied = {name: now[name] for name in _COPIED if now.get(name)}
    for name, members in _COPIED_MEMBERS.items():
        chosen = {member: now[name][member] for member in members if (now.get(name) or {}).get(member)}
        if chosen:
            copied[name] = chosen
    return {
        **copied,
        "FunctionName": function,
        "Code": {"ZipFile": _download(source, found["Code"]["Location"])},
        "Layers": [*layers, layer],
        "Environment": {"Variables": after},
        "Tags": {**tags, SECOND_OF: source},
        **({"Timeout": timeout} if timeout is not None else {}),
    }


def _download(source: str, location: str) -> bytes:
    """Return the zip of the code: AWS gives an address that is signed, and ends with its life of ten minutes."""
    if urlsplit(location).scheme not in ("http", "https"):
        raise AttachError(f"the code of {source} cannot be fetched from {location}")
    try:
        with urlopen(location, timeout=_DOWNLOAD_TIMEOUT_S) as answer:  # noqa: S310 - the scheme is looked at above
            content: bytes = answer.read()
    except (URLError, OSError) as error:
        raise AttachError(f"the code of {source} cannot be fetched: {error}") from error
    return content
