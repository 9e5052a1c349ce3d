"""The layers of a template, and which of them a function uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..building.archives import unpacked
from ..errors import TemplateError
from .intrinsics import Intrinsics
from .values import content, mapping


@dataclass(frozen=True)
class Layer:
    """A layer: where its content lies and how it is built. Without content it is the installed streamify layer."""

    logical_id: str
    content: Path | None
    build_method: str | None = None


class ForeignError(Exception):
    """A function that is right, and that the emulator does not run."""


def read_layer(path: Path, logical_id: str, resource: Mapping[str, Any], intrinsics: Intrinsics) -> Layer:
    """The layer that `resource` of the template at `path` describes."""
    properties = intrinsics.resolve(resource.get("Properties") or {})
    found = content(path, logical_id, "ContentUri", resource, properties.get("ContentUri"))
    metadata = mapping(f"{path}: {logical_id}: Metadata", resource.get("Metadata"))
    return Layer(logical_id, found.folder, None if found.is_built else metadata.get("BuildMethod"))


def given_layer(arn: str, place: Path) -> Layer:
    """The layer `arn`, whose content is a folder or a .zip file that the user names."""
    if place.is_dir():
        return Layer(arn, place.resolve())
    if place.is_file():
        return Layer(arn, unpacked(place))
    raise TemplateError(f"the layer {arn}: {place} is neither a folder nor a .zip file")


def used_layer(where: str, reference: Any, layers: Mapping[str, Layer]) -> Layer:
    """The layer that a function refers to by its logical id or its ARN, which are the keys of `layers`."""
    name = str(reference)
    if name in layers:
        return layers[name]
    # arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
    if name.split(":")[5:7] == ["layer", "streamify"]:
        return Layer("streamify", None)
    if isinstance(reference, str) and name.startswith("arn:"):
        raise ForeignError(f"the layer {name} is not in this template; --layer {name}=FOLDER says where it lies")
    raise TemplateError(f"{where}: the layer {name} is neither in this template nor streamify itself")
