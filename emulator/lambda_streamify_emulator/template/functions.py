"""A function of a template: all that the emulator knows of it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from .intrinsics import ACCOUNT_ID, REGION, Intrinsics
from .layers import ForeignError, Layer, used_layer
from .urls import NONE, UrlConfig, read_url_config
from .values import IMPOSSIBLE, content, kind, mapping, number, variable

DEFAULT_TIMEOUT, DEFAULT_MEMORY = 3, 128  # seconds, MB: AWS SAM specification, AWS::Serverless::Function
# What is not read need not be resolved: policies are full of what only a deployed stack knows.
_READ = (
    "CodeUri",
    "Environment",
    "FunctionName",
    "FunctionUrlConfig",
    "Handler",
    "InlineCode",
    "Layers",
    "MemorySize",
    "PackageType",
    "ReservedConcurrentExecutions",
    "Runtime",
    "Timeout",
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # AWS Lambda API Reference, "CreateFunction"


@dataclass(frozen=True)
class Function:
    """A function of the template. `timeout` is in seconds, `memory` in MB."""

    name: str
    logical_id: str
    handler: str
    runtime: str
    code: Path
    timeout: int
    memory: int
    environment: Mapping[str, str]
    layers: tuple[Layer, ...]
    invoke_mode: str | None
    """The InvokeMode of its URL; None if it has no URL."""
    reserved_concurrency: int | None = None
    """How many invocations of it may run at a time; None if it has no number of its own."""
    unset: tuple[str, ...] = ()
    """The environment variables whose values could not be resolved."""
    auth_type: str = NONE
    """The AuthType of its URL."""
    cors: Mapping[str, Any] | None = None
    """The Cors of its URL as the template has it; None if it has none."""
    build_method: str | None = None
    """The BuildMethod of its Metadata; None if it is built already."""
    is_built: bool = False
    """Whether all that it needs lies in its code already, so that nothing is installed or made."""

    @property
    def arn(self) -> str:
        """The name that Lambda would give it."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.name}"


def read_function(
    path: Path, logical_id: str, resource: Mapping[str, Any], layers: Mapping[str, Layer], intrinsics: Intrinsics
) -> Function:
    """The function that `resource` describes, with the Globals merged into its properties."""
    where = f"{path}: {logical_id}"
    merged = resource["Properties"]
    properties = intrinsics.resolve({key: merged[key] for key in _READ if key in merged})
    if properties.get("PackageType") == "Image":
        raise ForeignError("its PackageType is Image, and only code in a folder is run here")
    if properties.get("InlineCode") is not None:
        raise ForeignError("its code is InlineCode, and only code in a folder is run here")
    for key in ("Handler", "Runtime"):
        if not isinstance(properties.get(key), str) or IMPOSSIBLE.search(properties[key]):
            raise TemplateError(f"{where}: it has no {key}")
    used = properties.get("Layers") or []
    if not isinstance(used, list):
        raise TemplateError(f"{where}: Layers: it is {kind(used)} instead of a list")
    environment = mapping(f"{where}: Environment", properties.get("Environment"))
    variables = mapping(f"{where}: Environment: Variables", environment.get("Variables"))
    has_url = properties.get("FunctionUrlConfig") is not None
    code = content(path, logical_id, "CodeUri", resource, properties.get("CodeUri"))
    metadata = mapping(f"{where}: Metadata", resource.get("Metadata"))
    url = read_url_config(where, properties["FunctionUrlConfig"]) if has_url else UrlConfig()
    return Function(
        name=_name(where, logical_id, properties.get("FunctionName")),
        logical_id=logical_id,
        handler=properties["Handler"],
        runtime=properties["Runtime"],
        code=code.folder,
        timeout=number(where, "Timeout", properties.get("Timeout", DEFAULT_TIMEOUT), "seconds"),
        memory=number(where, "MemorySize", properties.get("MemorySize", DEFAULT_MEMORY), "megabytes"),
        environment={
            name: variable(f"{where}: Environment", name, value)
            for name, value in variables.items()
            if not isinstance(value, dict)
        },
        layers=tuple(used_layer(where, reference, layers) for reference in used),
        invoke_mode=url.invoke_mode if has_url else None,
        unset=tuple(str(name) for name, value in variables.items() if isinstance(value, dict)),
        reserved_concurrency=_concurrency(where, properties.get("ReservedConcurrentExecutions")),
        auth_type=url.auth_type,
        cors=url.cors,
        build_method=None if code.is_built else metadata.get("BuildMethod"),
        is_built=code.is_built,
    )


def _name(where: str, logical_id: str, value: Any) -> str:
    if value is None or isinstance(value, dict):  # an unresolved one is among those that are named
        return logical_id
    if not _NAME.fullmatch(str(value)):
        raise TemplateError(f"{where}: FunctionName: {value!r} is not up to 64 letters, digits, - and _")
    return str(value)


def _concurrency(where: str, value: Any) -> int | None:
    if value is None or isinstance(value, dict):  # an unresolved one is among those that are named
        return None
    return 0 if str(value) == "0" else number(where, "ReservedConcurrentExecutions", value, "invocations")
