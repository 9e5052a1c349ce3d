"""Resolves CloudFormation's intrinsic functions, as far as that is possible without a deployed stack.

Source: AWS CloudFormation User Guide, "Intrinsic function reference" and "Pseudo parameters reference". A function that
needs a deployed stack stays unchanged, and its text is added to `Intrinsics.unresolved`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..account import ACCOUNT_ID, REGION

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "streamify",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()
UNKNOWN = "Fn::Unknown"
"""Stands in a translated template for a value that is not known here; its argument is the text as it was written."""


class Intrinsics:
    """Resolves the intrinsic functions of one template.

    `parameters` are the values of its parameters, text or lists of text. `references` are the values of `Ref` for its
    resources, and those of `Fn::GetAtt` under `Id.Attribute`.
    """

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str | list[str]],
        references: Mapping[str, str] | None = None,
    ) -> None:
        self.unresolved: set[str] = set()
        self._mappings = template.get("Mappings") or {}
        self._conditions = template.get("Conditions") or {}
        self._names = {**PSEUDO_PARAMETERS, **(references or {}), **parameters}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": lambda value: self._names[value if isinstance(value, str) else ".".join(value)],
            "Fn::Sub": self._sub,
            "Fn::Join": lambda value: value[0].join(text(part) for part in self._resolved_list(value[1])),
            "Fn::Select": lambda value: self._resolved_list(value[1])[int(self.resolve(value[0]))],
            "Fn::Split": lambda value: text(self.resolve(value[1])).split(value[0]),
            "Fn::If": lambda value: self.resolve(value[1 if self._condition(value[0]) else 2]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::Equals": lambda value: text(self.resolve(value[0])) == text(self.resolve(value[1])),
            "Fn::And": lambda value: all(self._truth(part) for part in value),
            "Fn::Or": lambda value: any(self._truth(part) for part in value),
            "Fn::Not": lambda value: not self._truth(value[0]),
            "Condition": self._condition,
        }

    def is_there(self, resource: Mapping[str, Any]) -> bool:
        """Whether the stack contains the resource: it has no Condition, or the Condition is true or unresolved."""
        if resource.get("Condition") is None:
            return True
        return self.resolve({"Condition": resource["Condition"]}) is not False

    def resolve(self, value: Any) -> Any:
        """Return `value` with its intrinsic functions replaced by their results, where these can be known."""
        if isinstance(value, list):
            return [part for part in map(self.resolve, value) if part is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions or str(name).startswith("Fn::"):
                return self._call(name, argument)
        resolved = {name: self.resolve(part) for name, part in value.items()}
        return {name: part for name, part in resolved.items() if part is not NO_VALUE}

    def _call(self, name: str, argument: Any) -> Any:
        try:
            return self._functions[name](argument)
        except _ArgumentUnresolved:
            pass
        except (KeyError, IndexError, TypeError, ValueError, AttributeError):
            self.unresolved.add(_describe(name, argument))
        return {name: argument}

    def _resolved_list(self, value: Any) -> list[Any]:
        resolved = self.resolve(value)
        if not isinstance(resolved, list):
            text(resolved)  # raises _ArgumentUnresolved for an unresolved value
            raise TypeError(value)
        return resolved

    def _ref(self, name: str) -> Any:
        return NO_VALUE if name == "AWS::NoValue" else self._names[name]

    def _sub(self, value: Any) -> str:
        template, variables = (value[0], value[1]) if isinstance(value, list) else (value, {})
        values = {**self._names, **{name: self.resolve(part) for name, part in variables.items()}}
        # In one pass: a value is not searched for further references.
        return re.sub(
            r"\$\{(?:!([^}]*)|([\w.:]+))\}",
            lambda match: text(values[match[2]]) if match[2] else f"${{{match[1]}}}",
            template,
        )

    def _find_in_map(self, value: list[Any]) -> Any:
        name, first, second = (self.resolve(part) for part in value[:3])
        return self._mappings[name][first][second]

    def _condition(self, name: str) -> bool:
        return self._truth(self._conditions[name])

    def _truth(self, condition: Any) -> bool:
        resolved = self.resolve(condition)
        if not isinstance(resolved, bool):
            text(resolved)  # raises _ArgumentUnresolved for an unresolved value
            raise TypeError(condition)
        return resolved


class _ArgumentUnresolved(Exception):
    """An argument is unresolved, and has already been recorded as such."""


def text(value: Any) -> str:
    """Return a scalar as a string, as CloudFormation passes it on. Raises TypeError for other values."""
    if isinstance(value, dict):
        raise _ArgumentUnresolved
    if value is None or value is NO_VALUE or isinstance(value, list):
        raise TypeError(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def unresolved(value: Any) -> str | None:
    """Return the short form of an intrinsic function that could not be resolved, such as `!Ref X`; None for others."""
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((name, argument),) = value.items()
    return _describe(name, argument) if name == "Ref" or str(name).startswith("Fn::") else None


def _describe(name: str, argument: Any) -> str:
    if name == UNKNOWN:
        return str(argument)
    shown = ".".join(map(str, argument)) if name == "Fn::GetAtt" and isinstance(argument, list) else str(argument)
    return f"!{name.removeprefix('Fn::')} {shown}"
