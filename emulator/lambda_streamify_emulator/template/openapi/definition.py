"""Finds the OpenAPI definition of an API: in the template, in a file beside it, or in one that it includes.

Sources: AWS SAM specification, "DefinitionBody" and "DefinitionUri"; AWS CloudFormation Template Reference,
"AWS::Include transform". CloudFormation resolves intrinsic functions in DefinitionBody and in what it includes, and
API Gateway gets the file of DefinitionUri unchanged.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import TemplateError
from ..document import read_document
from ..routes import UnservedError
from ..stack import Stack

_TRANSFORM, _INCLUDE = "Fn::Transform", "AWS::Include"
_IN_TEMPLATE, _IN_FILE = ("DefinitionBody", "Body"), ("DefinitionUri", "BodyS3Location")
INCLUDE_LIMIT = 10
"""How many files may include one another."""


@dataclass(frozen=True)
class Definition:
    """An OpenAPI document. `resolve` replaces the intrinsic functions in a part of it."""

    content: Mapping[str, Any]
    resolve: Callable[[Any], Any]


def definition_of(stack: Stack, properties: Mapping[str, Any]) -> Definition | None:
    """Return the definition of the API with these unresolved properties; None if it has none.

    Raises UnservedError if it is not on this machine, TemplateError if it is not valid.
    """
    folder, resolve = stack.path.parent, stack.intrinsics.resolve
    body = next((properties[key] for key in _IN_TEMPLATE if properties.get(key) is not None), None)
    if body is not None:
        return Definition(_document(_with_includes(body, folder, resolve)), resolve)
    location = next((resolve(properties[key]) for key in _IN_FILE if properties.get(key) is not None), None)
    if location is None:
        return None
    return Definition(_document(read_document(_local(folder, location))), lambda value: value)


def _with_includes(value: Any, folder: Path, resolve: Callable[[Any], Any], depth: int = 0) -> Any:
    """Return `value` with each AWS::Include replaced by the content of its file."""
    if isinstance(value, list):
        return [_with_includes(part, folder, resolve, depth) for part in value]
    if not isinstance(value, dict):
        return value
    transform = value.get(_TRANSFORM)
    if not isinstance(transform, dict):
        return {key: _with_includes(part, folder, resolve, depth) for key, part in value.items()}
    name, parameters = transform.get("Name"), transform.get("Parameters")
    if name != _INCLUDE or not isinstance(parameters, dict):
        raise UnservedError(f"its definition needs the transform {name}, and the emulator applies {_INCLUDE} alone")
    file = _local(folder, resolve(parameters.get("Location")))
    if depth >= INCLUDE_LIMIT:
        raise TemplateError(f"{file}: files include one another more than {INCLUDE_LIMIT} deep")
    beside = {key: part for key, part in value.items() if key != _TRANSFORM}
    return _with_includes({**read_document(file), **beside}, folder, resolve, depth + 1)


def _local(folder: Path, location: Any) -> Path:
    if isinstance(location, str) and "\0" not in location and (folder / location).is_file():
        return folder / location
    shown = location if isinstance(location, str) else "a value that only a deployed stack has"
    raise UnservedError(f"its definition is {shown}, and the emulator reads files beside the template")


def _document(content: Any) -> Mapping[str, Any]:
    if not isinstance(content, dict):
        raise UnservedError("its definition is no mapping")
    return content
