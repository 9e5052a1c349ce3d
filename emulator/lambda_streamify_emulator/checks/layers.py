"""Which layer is streamify: the one that is named so, or that holds its package or its wrapper."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..template.intrinsics import Intrinsics
from .functions import UsedLayer
from .values import is_unresolved, mapping_or_empty

_OURS = "streamify"
_SIGNS = ("streamify", "lambda_streamify", "python/lambda_streamify")


def layer_of_resource(folder: Path, id_: str, resource: Mapping[str, Any], intrinsics: Intrinsics) -> UsedLayer:
    """The layer that a resource of the template makes; `folder` is the template's."""
    properties = mapping_or_empty(intrinsics.resolve(resource.get("Properties")))
    if _OURS in f"{id_} {properties.get('LayerName')}".lower():
        return UsedLayer(id_, is_ours=True)
    content = properties.get("ContentUri", properties.get("Content"))
    if is_unresolved(content):
        return UsedLayer(id_, None)
    return UsedLayer(id_, isinstance(content, str) and is_our_archive(folder / content))


def layer_of_arn(arn: str) -> UsedLayer:
    """The layer that an ARN names, arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION."""
    return UsedLayer(arn, _OURS in arn.rpartition(":layer:")[2].lower())


def is_our_archive(place: Path) -> bool:
    """Whether the content of a layer, a folder or a .zip file, is streamify's, built or with the recipe to build it."""
    if place.is_file():
        return _OURS in place.name.lower()
    if any((place / sign).exists() for sign in _SIGNS):
        return True
    recipes = [place / "Makefile", place / "requirements.txt"]
    return any(_OURS in recipe.read_text(encoding="utf-8", errors="replace") for recipe in recipes if recipe.is_file())
