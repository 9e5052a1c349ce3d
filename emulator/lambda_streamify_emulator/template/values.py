"""What a template may hold in one place, checked: each message begins with `where`, which names that place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..building.archives import unpacked
from ..errors import TemplateError
from .intrinsics import text

IMPOSSIBLE = re.compile(r"[\0\ud800-\udfff]")
"""What no environment variable can hold."""
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # AWS Lambda API Reference, "Environment"
_NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")


def kind(value: Any) -> str:
    """What `value` is, in the words of a message."""
    if value is None:
        return "nothing"
    kinds: dict[type, str] = {dict: "a mapping", list: "a list", str: "text"}
    return kinds.get(type(value), f"the value {value}")


def mapping(where: str, value: Any) -> dict[str, Any]:
    """`value`, which may be left out but must be a mapping."""
    if value is not None and not isinstance(value, dict):
        raise TemplateError(f"{where}: it is {kind(value)} instead of a mapping")
    return value or {}


def number(where: str, key: str, value: Any, unit: str) -> int:
    """`value`, which must be a whole number above 0; it may be written as text."""
    if isinstance(value, (int, str)) and not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
        return int(value)
    raise TemplateError(f"{where}: {key}: {value!r} is not a number of {unit}")


def variable(where: str, name: Any, value: Any) -> str:
    """The value of an environment variable as text."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):  # YAML reads a bare YES as a boolean
        raise TemplateError(f"{where}: {name!r} is not a name of letters, digits and _ for a variable")
    if value is None or isinstance(value, list):
        raise TemplateError(f"{where}: {name}: it is {kind(value)} instead of text")
    if IMPOSSIBLE.search(text(value)):
        raise TemplateError(f"{where}: {name}: a character of it is none that a variable can hold")
    return text(value)


@dataclass(frozen=True)
class Content:
    """The files of a function or of a layer; `is_built` says that nothing is to be installed or made for them."""

    folder: Path
    is_built: bool


def content(path: Path, logical_id: str, key: str, resource: Mapping[str, Any], value: Any) -> Content:
    """What the property `key` of a resource names, relative to the template at `path`: a folder, or a .zip file.

    Built is what is in an archive, and what `sam build` has put beside the template that it writes.
    """
    if not isinstance(value, str):
        raise TemplateError(f"{path}: {logical_id}: it has no {key} that is a folder on this machine")
    named = path.parent / value
    if named.suffix == ".zip" and named.is_file():
        return Content(unpacked(named), is_built=True)
    if not named.is_dir():
        raise TemplateError(f"{path}: {logical_id}: its {key} {value} is neither a folder nor a .zip file")
    return Content(named.resolve(), _is_from_sam_build(path, logical_id, resource, value))


def _is_from_sam_build(path: Path, logical_id: str, resource: Mapping[str, Any], value: str) -> bool:
    # It notes the resource's id, and names what it has built within its own folder; what it has not built, outside.
    metadata = mapping(f"{path}: {logical_id}: Metadata", resource.get("Metadata"))
    return "SamResourceId" in metadata and not Path(value).is_absolute() and ".." not in Path(value).parts
