"""Finds the resources to which the configuration refers, also through variables and outputs of modules.

A plan does not have the values of such references, such as the ARN of a function that does not exist yet, but it has
the configuration (Terraform's documentation, "JSON Output Format", "Configuration Representation").
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .shown import Resource, without_indexes

_CALL = re.compile(r"module\.[\w-]+(?:\[[^\]]*\])?")


class References:
    """The references in the `configuration` of a plan, to the `resources` that it has."""

    def __init__(self, configuration: Mapping[str, Any], resources: Sequence[Resource]) -> None:
        self._root = configuration.get("root_module") or {}
        self._resources = resources

    def targets(self, resource: Resource, argument: str, type_: str) -> list[Resource]:
        """Return the resources of a type to which an argument of `resource` refers, in their order.

        Of several instances, the one with the index of `resource` is meant if there is one.
        """
        module = without_indexes(resource.module)
        address = f"{resource.type}.{resource.name}"
        for found in self._module(module).get("resources") or ():
            if found.get("address") == address:
                expression = (found.get("expressions") or {}).get(argument)
                named = dict.fromkeys(self._named(module, expression, type_))
                return [target for name in named for target in self._instances(name, type_, resource)]
        return []

    def _instances(self, address: tuple[str, str], type_: str, resource: Resource) -> list[Resource]:
        module, name = address
        all_instances = [
            found
            for found in self._resources
            if found.type == type_ and found.name == name and without_indexes(found.module) == without_indexes(module)
        ]
        exact = [found for found in all_instances if found.module == module]
        near = [found for found in exact or all_instances if found.module == resource.module] or exact or all_instances
        same = [found for found in near if found.index == resource.index]
        return same if resource.index is not None and same else near

    def _named(self, module: str, expression: Any, type_: str) -> Iterator[tuple[str, str]]:
        """Yield the modules and names of the resources in an expression, which may hold blocks and lists of them.

        The address of a module has an index where the expression has one.
        """
        if isinstance(expression, list):
            for part in expression:
                yield from self._named(module, part, type_)
            return
        for reference in expression.get("references") or () if isinstance(expression, dict) else ():
            kind, *rest = without_indexes(str(reference)).split(".")
            if kind == type_ and rest:
                yield module, rest[0]
            elif kind == "var" and rest and module:
                *parents, _, call = without_indexes(module).split(".")
                parent = ".".join(parents)
                arguments = self._call(parent, call).get("expressions") or {}
                yield from self._named(parent, arguments.get(rest[0]), type_)
            elif kind == "module" and len(rest) > 1:
                called = _CALL.match(str(reference))
                child = ".".join(part for part in (module, called[0] if called else "") if part)
                output = (self._module(child).get("outputs") or {}).get(rest[1]) or {}
                yield from self._named(child, output.get("expression"), type_)

    def _module(self, address: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._root
        for name in without_indexes(address).split(".")[1::2]:
            found = ((found.get("module_calls") or {}).get(name) or {}).get("module") or {}
        return found

    def _call(self, module: str, name: str) -> Mapping[str, Any]:
        return (self._module(module).get("module_calls") or {}).get(name) or {}
