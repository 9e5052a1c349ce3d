"""Reads a function from a template."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EmulatorError, TemplateError
from .contents import Content, lambda_code, sam_code
from .images import IMAGE, Image, read_image
from .intrinsics import unresolved
from .layers import Layer, used_layer
from .managed_instances import read_max_concurrency
from .stack import SAM_FUNCTION, Stack, function_arn
from .urls import NONE, UrlConfig, read_url_config
from .values import IMPOSSIBLE, kind, mapping, number, variable

DEFAULT_TIMEOUT_S, DEFAULT_MEMORY_MB = 3, 128  # AWS SAM specification, AWS::Serverless::Function
# Only these properties are resolved. Others, such as policies, often need values that only a deployed stack has.
_READ = (
    "Code",
    "CodeUri",
    "Environment",
    "FunctionName",
    "FunctionUrlConfig",
    "Handler",
    "ImageConfig",
    "ImageUri",
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
    """A function in a template. `timeout` is in seconds, `memory` in MB."""

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
    """The highest number of concurrent invocations; None if the function reserves no concurrency."""
    unset: tuple[str, ...] = ()
    """The environment variables whose values could not be resolved."""
    auth_type: str = NONE
    """The AuthType of its URL."""
    cors: Mapping[str, Any] | None = None
    """The Cors of its URL as in the template; None if it has none."""
    build_method: str | None = None
    """The BuildMethod in its Metadata; None if it is already built."""
    is_built: bool = False
    """Whether its code already contains everything it needs, so that nothing is installed or built."""
    max_concurrency: int | None = None
    """How many invocations an environment runs at a time on managed instances; None elsewhere."""
    image: Image | None = None
    """Its container image; None if it has a folder. With one, `handler` and `runtime` are empty."""

    @property
    def arn(self) -> str:
        """The ARN of the function."""
        return function_arn(self.name)


def read_function(stack: Stack, logical_id: str, layers: Mapping[str, Layer | EmulatorError]) -> Function:
    """Return the function `logical_id` of a template; `layers` are those of `used_layer`.

    Raises TemplateError if it is not valid, and ForeignError if the emulator does not support it.
    """
    where = f"{stack.path}: {logical_id}"
    resource = stack.resources[logical_id]
    properties = stack.resolved(logical_id, *_READ)
    image = None
    if properties.get("PackageType") == IMAGE:
        image = read_image(stack.path, logical_id, resource, properties)
        properties = {**properties, "Handler": "", "Runtime": "", "Layers": None}  # the image has all of them
    for key in ("Handler", "Runtime"):
        if (shown := unresolved(properties.get(key))) is not None:
            raise TemplateError(f"{where}: its {key} is {shown}, which cannot be resolved here")
        if not isinstance(properties.get(key), str) or IMPOSSIBLE.search(properties[key]):
            raise TemplateError(f"{where}: it has no {key}")
    used = properties.get("Layers") or []
    if not isinstance(used, list):
        raise TemplateError(f"{where}: Layers: it is {kind(used)} instead of a list")
    environment = mapping(f"{where}: Environment", properties.get("Environment"))
    variables = mapping(f"{where}: Environment: Variables", environment.get("Variables"))
    has_url = properties.get("FunctionUrlConfig") is not None
    if image is not None:
        code = Content(stack.path.parent.resolve(), is_built=True)
    else:
        read_code = sam_code if resource.get("Type") == SAM_FUNCTION else lambda_code
        code = read_code(stack.path, logical_id, resource, properties)
    memory = number(where, "MemorySize", properties.get("MemorySize", DEFAULT_MEMORY_MB), "megabytes")
    metadata = mapping(f"{where}: Metadata", resource.get("Metadata"))
    url_where = f"{where}: FunctionUrlConfig"
    url = read_url_config(url_where, properties["FunctionUrlConfig"]) if has_url else UrlConfig()
    return Function(
        name=_name(where, logical_id, properties.get("FunctionName")),
        logical_id=logical_id,
        handler=properties["Handler"],
        runtime=properties["Runtime"],
        code=code.folder,
        timeout=number(where, "Timeout", properties.get("Timeout", DEFAULT_TIMEOUT_S), "seconds"),
        memory=memory,
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
        max_concurrency=read_max_concurrency(where, stack, logical_id, memory),
        image=image,
    )


def _name(where: str, logical_id: str, value: Any) -> str:
    if value is None or isinstance(value, dict):  # an unresolved value is reported elsewhere
        return logical_id
    if not _NAME.fullmatch(str(value)):
        raise TemplateError(f"{where}: FunctionName: {value!r} is not up to 64 letters, digits, - and _")
    return str(value)


def _concurrency(where: str, value: Any) -> int | None:
    if value is None or isinstance(value, dict):  # an unresolved value is reported elsewhere
        return None
    return 0 if str(value) == "0" else number(where, "ReservedConcurrentExecutions", value, "invocations")
