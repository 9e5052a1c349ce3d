"""The properties that SAM knows: the models of its own schema, which aws-sam-translator carries.

They lie in `samtranslator.internal.schema_source`, from which AWS makes the schema that editors use (SAM's repository,
"schema/").
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from ..template.positions import Key
from .values import is_unresolved

SERVERLESS = "AWS::Serverless::"
# What aws-sam-translator 1.115 knows and 1.100, the oldest that is allowed, does not. AWS transforms with the newest.
_NEWER = frozenset(
    (
        *("CapacityProviderConfig", "DurableConfig", "EndpointAccessMode", "FunctionScalingConfig", "IpAddressType"),
        *("PublishToLatestPublished", "ResponseTransferMode", "StorageMode", "TenancyConfig", "VersionDeletionPolicy"),
    )
)


@dataclass(frozen=True)
class Unknown:
    """A key, or the value of a Type, that SAM does not know; `path` leads to it, `known` are those that it does."""

    path: tuple[Key, ...]
    word: str
    known: tuple[str, ...]
    is_value: bool = False


@cache
def resource_types() -> tuple[str, ...]:
    """The types of resources that SAM knows."""
    return tuple(sorted(_models()))


def unknown_in_resource(type_: str, properties: Any) -> Iterator[Unknown]:
    """What SAM does not know in the Properties of a resource of this type, which it knows."""
    yield from _schema(type_).unknown("Properties", properties)


def unknown_in_globals(sections: Mapping[str, Any]) -> Iterator[Unknown]:
    """What SAM does not know in the Globals.

    A section has properties of a resource, of which SAM's translator lists those that may stand there.
    """
    from samtranslator.plugins.globals.globals import Globals

    known = {type_.removeprefix(SERVERLESS): tuple(keys) for type_, keys in Globals.supported_properties.items()}
    for name, properties in sections.items():
        if name not in known:
            yield Unknown((name,), str(name), tuple(known))
        elif isinstance(properties, dict):
            for key in properties:
                if key not in known[name] and key not in _NEWER:
                    yield Unknown((name, key), str(key), known[name])
            supported = {key: value for key, value in properties.items() if key in known[name]}
            is_known = f"{SERVERLESS}{name}" in resource_types()
            for unknown in unknown_in_resource(f"{SERVERLESS}{name}", supported) if is_known else ():
                if len(unknown.path) > 1:  # the translator's list knows the section's own properties better
                    yield Unknown((name, *unknown.path), unknown.word, unknown.known, unknown.is_value)


@cache
def _models() -> dict[str, Any]:
    from samtranslator.internal.schema_source import schema

    return {get_args(model.__fields__["Type"].type_)[0]: model for model in get_args(schema.Resources)}


@cache
def _schema(type_: str) -> "_Schema":
    return _Schema(_models()[type_].schema())


class _Schema:
    """A JSON schema as pydantic writes it: of all keywords, those that say which keys a mapping may have."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._properties = schema["properties"]
        self._definitions = schema["definitions"]
        known = {name for part in self._definitions.values() for name in part.get("properties", ())}
        self._newer = _NEWER - known

    def unknown(self, name: str, value: Any) -> Iterator[Unknown]:
        yield from self._unknown(self._properties[name], value, ())

    def _unknown(self, schema: Mapping[str, Any], value: Any, path: tuple[Key, ...]) -> Iterator[Unknown]:
        if is_unresolved(value):
            return
        alternatives = list(self._alternatives(schema))
        if isinstance(value, list):
            for items in (found["items"] for found in alternatives if "items" in found):
                for index, part in enumerate(value):
                    yield from self._unknown(items, part, (*path, index))
        elif isinstance(value, dict):
            structured = [found for found in alternatives if "properties" in found]
            if structured:
                yield from self._unknown_type(structured, value, path)
                yield from self._unknown_keys(_chosen(structured, value), value, path)
            else:
                free = [found.get("additionalProperties") for found in alternatives]
                for each in (found for found in free if isinstance(found, dict)):
                    for key, part in value.items():
                        yield from self._unknown(each, part, (*path, key))

    def _unknown_type(
        self, structured: list[Mapping[str, Any]], value: Mapping[str, Any], path: tuple[Key, ...]
    ) -> Iterator[Unknown]:
        types = [type_ for found in structured for type_ in _types(found)]
        if len(structured) > 1 and isinstance(value.get("Type"), str) and value["Type"] not in types:
            yield Unknown((*path, "Type"), value["Type"], tuple(types), is_value=True)

    def _unknown_keys(
        self, chosen: Mapping[str, Any] | None, value: Mapping[str, Any], path: tuple[Key, ...]
    ) -> Iterator[Unknown]:
        for key, part in value.items() if chosen else ():
            assert chosen
            if key in chosen["properties"]:
                yield from self._unknown(chosen["properties"][key], part, (*path, key))
            elif chosen.get("additionalProperties") is False and key not in self._newer:
                yield Unknown((*path, key), str(key), tuple(chosen["properties"]))

    def _alternatives(self, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        if "$ref" in schema:
            yield from self._alternatives(self._definitions[schema["$ref"].rpartition("/")[2]])
        elif "anyOf" in schema or "allOf" in schema:
            for part in schema.get("anyOf", schema.get("allOf")):
                yield from self._alternatives(part)
        else:
            yield schema


def _chosen(structured: list[Mapping[str, Any]], value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The one alternative that `value` is meant to be; None if that is open."""
    if len(structured) == 1:
        return structured[0]
    named = [found for found in structured if value.get("Type") in _types(found)]
    return named[0] if len(named) == 1 else None


def _types(schema: Mapping[str, Any]) -> tuple[Any, ...]:
    """The values that the Type of a mapping may have."""
    return tuple(schema["properties"].get("Type", {}).get("enum", ()))
