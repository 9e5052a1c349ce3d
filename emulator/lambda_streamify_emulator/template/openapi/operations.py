"""The operations of an OpenAPI definition that have an integration of API Gateway.

Source: Amazon API Gateway Developer Guide, "OpenAPI extensions for API Gateway".
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..apis import METHODS
from .definition import Definition

_INTEGRATION, _ANY = "x-amazon-apigateway-integration", "x-amazon-apigateway-any-method"
_BINARY_TYPES, _CORS = "x-amazon-apigateway-binary-media-types", "x-amazon-apigateway-cors"
_REFERENCE = "$ref"


class Operation(NamedTuple):
    """A method of a path with its integration, resolved. `is_secured` means that not everybody may call it."""

    method: str
    path: str
    integration: Mapping[str, Any]
    is_secured: bool


def operations(definition: Definition) -> Iterator[Operation]:
    """Yield the operations in the order of the definition."""
    content = definition.content
    for path, methods in _mapping(content.get("paths")).items():
        for key, given in _mapping(methods).items():
            method, operation = "ANY" if key == _ANY else str(key).upper(), _mapping(given)
            integration = _mapping(operation.get(_INTEGRATION))
            if method in METHODS and integration:
                resolved = definition.resolve(_followed(content, integration))
                is_secured = bool(operation.get("security", content.get("security")))
                yield Operation(method, str(path), _mapping(resolved), is_secured)


def binary_types(definition: Definition) -> tuple[str, ...]:
    """Return the media types whose bodies are binary."""
    types = definition.resolve(definition.content.get(_BINARY_TYPES))
    return tuple(map(str, types)) if isinstance(types, list) else ()


def cors(definition: Definition) -> Mapping[str, Any] | None:
    """Return the CORS configuration of an HTTP API in the names of CloudFormation; None if there is none."""
    given = _mapping(definition.resolve(definition.content.get(_CORS)))
    return {f"{name[:1].upper()}{name[1:]}": value for name, value in given.items()} or None


def _followed(content: Mapping[str, Any], integration: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the integration in the components to which `$ref` points; HTTP APIs allow that."""
    reference = integration.get(_REFERENCE)
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return integration
    found: Any = content
    for part in reference.removeprefix("#/").split("/"):
        found = _mapping(found).get(part)
    return _mapping(found)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
