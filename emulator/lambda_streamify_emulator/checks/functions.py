"""A function as the rules look at it: what its template says, resolved as far as that is possible here."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..template.functions import DEFAULT_TIMEOUT_S
from ..template.urls import BUFFERED, RESPONSE_STREAM
from .source_text import SourceText, read_folder
from .values import is_unresolved, mapping_or_empty

SAM_FUNCTION, LAMBDA_FUNCTION = "AWS::Serverless::Function", "AWS::Lambda::Function"
WRAPPER, OUR_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER", "/opt/streamify"
MODE, DISABLE, NEXT_WRAPPER = "STREAMIFY_INVOKE_MODE", "STREAMIFY_DISABLE", "STREAMIFY_NEXT_WRAPPER"
SETTINGS = (
    WRAPPER,
    MODE,
    DISABLE,
    NEXT_WRAPPER,
    "STREAMIFY_CONCURRENCY",
    "STREAMIFY_EVENT_LOOP",
    "STREAMIFY_PRELOAD",
    "STREAMIFY_PROCESSES",
)
"""The environment variables of which the layer's behaviour depends."""


@dataclass(frozen=True)
class Url:
    """A function's URL. `keys` lead from `resource`'s Properties to the URL's own."""

    resource: str
    keys: tuple[str, ...]
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]
    """The same before intrinsic functions were resolved."""

    @property
    def invoke_mode(self) -> Any:
        """Its InvokeMode; BUFFERED if it has none (AWS Lambda API Reference, "CreateFunctionUrlConfig")."""
        return self.properties.get("InvokeMode", BUFFERED)

    @property
    def streams(self) -> bool:
        """Whether it sends a response while the function makes it."""
        return bool(self.invoke_mode == RESPONSE_STREAM)

    @property
    def auth_type(self) -> Any:
        """Its AuthType."""
        return self.properties.get("AuthType")


@dataclass(frozen=True)
class UsedLayer:
    """An entry of a function's Layers. `is_ours` is None if nothing here can tell."""

    name: str
    is_ours: bool | None


@dataclass(frozen=True, eq=False)
class CheckedFunction:
    """A function of the template.

    `properties` are its own and those of the Globals, resolved; `raw` are the same, unresolved.
    """

    id: str
    type: str
    properties: Mapping[str, Any]
    raw: Mapping[str, Any]
    layers: tuple[UsedLayer, ...]
    code: Path | None
    """The folder of its code, if it lies on this machine."""
    inline: str | None = None
    urls: list[Url] = field(default_factory=list)
    has_streaming_route: list[bool] = field(default_factory=list)

    @property
    def runtime(self) -> Any:
        """Its Runtime; None for an image."""
        return self.properties.get("Runtime")

    @property
    def is_python(self) -> bool:
        """Whether a managed Python runtime runs it; an image brings its own."""
        is_image = self.properties.get("PackageType") == "Image"
        return not is_image and isinstance(self.runtime, str) and self.runtime.startswith("python")

    @property
    def timeout(self) -> int | None:
        """Its Timeout in seconds; None if that cannot be resolved."""
        value = self.properties.get("Timeout", DEFAULT_TIMEOUT_S)
        return int(value) if re.fullmatch(r"[0-9]{1,9}", str(value)) else None

    @property
    def variables(self) -> Mapping[str, Any]:
        """Its environment variables."""
        return mapping_or_empty(mapping_or_empty(self.properties.get("Environment")).get("Variables"))

    @property
    def wrapper(self) -> Any:
        """The program that Lambda starts in place of its runtime."""
        return self.variables.get(WRAPPER)

    @property
    def streams(self) -> bool:
        """Whether a URL or a REST API of it streams."""
        return any(url.streams for url in self.urls) or any(self.has_streaming_route)

    @property
    def has_our_layer(self) -> bool:
        """Whether one of its layers is streamify."""
        return any(layer.is_ours for layer in self.layers)

    @property
    def layers_are_known(self) -> bool:
        """Whether each of its layers can be told to be streamify or another one."""
        return not is_unresolved(self.properties.get("Layers")) and all(
            layer.is_ours is not None for layer in self.layers
        )

    @property
    def is_disabled(self) -> bool:
        """Whether a setting gives it back to AWS's own runtime."""
        value = self.variables.get(DISABLE, "")
        # As /opt/streamify has it; CloudFormation writes a boolean in small letters.
        return (str(value).lower() if isinstance(value, bool) else str(value)) not in ("", "0", "false")

    @cached_property
    def source(self) -> SourceText:
        """The text of its code."""
        if self.inline is not None:
            return SourceText({"its inline code": self.inline})
        return SourceText({}) if self.code is None else read_folder(self.code)

    @property
    def policies(self) -> str:
        """The text of its Policies."""
        return json.dumps(self.properties.get("Policies"), default=str)
