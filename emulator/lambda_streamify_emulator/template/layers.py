"""Reads the layers of a template, and finds those that a function uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..caching.archives import unpack_once
from ..errors import EmulatorError, TemplateError
from .contents import ForeignError, content
from .intrinsics import Intrinsics, unresolved
from .values import mapping

_CONTENT = {"AWS::Serverless::LayerVersion": "ContentUri", "AWS::Lambda::LayerVersion": "Content"}
LAYERS = tuple(_CONTENT)


@dataclass(frozen=True)
class Layer:
    """A layer: the path of its content, and how it is built. Without content it is the installed streamify layer."""

    logical_id: str
    content: Path | None
    build_method: str | None = None


def read_layer(path: Path, logical_id: str, resource: Mapping[str, Any], intrinsics: Intrinsics) -> Layer:
    """Return the layer that `resource` in the template at `path` describes."""
    key = _CONTENT[str(resource.get("Type"))]
    properties = intrinsics.resolve(resource.get("Properties") or {})
    found = content(path, logical_id, key, resource, properties.get(key))
    metadata = mapping(f"{path}: {logical_id}: Metadata", resource.get("Metadata"))
    return Layer(logical_id, found.folder, None if found.is_built else metadata.get("BuildMethod"))


def given_layer(arn: str, place: Path) -> Layer:
    """Return the layer `arn` with the content that the user gives, a folder or a .zip file."""
    if place.is_dir():
        return Layer(arn, place.resolve())
    if place.is_file():
        return Layer(arn, unpack_once(place))
    raise TemplateError(f"the layer {arn}: {place} is neither a folder nor a .zip file")


def used_layer(where: str, reference: Any, layers: Mapping[str, Layer | EmulatorError]) -> Layer:
    """Return the layer to which a function refers by logical id or ARN, the keys of `layers`.

    Raises the error that stands there for a layer that is not valid, ForeignError for the ARN of a layer that is not
    there, TemplateError for any other unknown reference.
    """
    name = str(reference)
    if name in layers:
        found = layers[name]
        if isinstance(found, EmulatorError):
            raise found
        return found
    # arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
    if name.split(":")[5:7] == ["layer", "streamify"]:
        return Layer("streamify", None)
    if isinstance(reference, str) and name.startswith("arn:"):
        raise ForeignError(f"the layer {name} is not in this template; give its content with --layer {name}=FOLDER")
    shown = unresolved(reference) or name
    raise TemplateError(f"{where}: the layer {shown} is neither in this template nor streamify itself")
