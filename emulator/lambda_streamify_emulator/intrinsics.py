"""CloudFormation's intrinsic functions, as far as they can be resolved on one machine.

Source: AWS CloudFormation User Guide, "Intrinsic function reference" and "Pseudo parameters reference". What only a
deployed stack knows stays as it is, and its text is kept in `Intrinsics.unresolved`.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

REGION = "us-east-1"
ACCOUNT_ID = "123456789012"

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT_ID,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "streamify",
    "AWS::URLSuffix": "amazonaws.com",
}
NO_VALUE = object()


class Intrinsics:
    """Resolves the intrinsic functions of one template.

    `parameters` are the template's, with their values; `references` are what `Ref` of a resource gives, and
    `attributes` what `Fn::GetAtt` of one gives, as "LogicalId.Attribute".
    """

    def __init__(
        self, template: Mapping[str, Any], parameters: Mapping[str, str], references: Mapping[str, str] | None = None
    ) -> None:
        self.unresolved: set[str] = set()
        self._mappings = template.get("Mappings") or {}
        self._conditions = template.get("Conditions") or {}
        self._names = {**PSEUDO_PARAMETERS, **(references or {}), **parameters}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::Sub": self._sub,
            "Fn::Join": lambda value: value[0].join(str(part) for part in self._resolved_list(value[1])),
            "Fn::Select": lambda value: self._resolved_list(value[1])[int(self.resolve(value[0]))],
            "Fn::Split": lambda value: str(self.resolve(value[1])).split(value[0]),
            "Fn::If": lambda value: self.resolve(value[1 if self._condition(value[0]) else 2]),
            "Fn::FindInMap": self._find_in_map,
            "Fn::Equals": lambda value: self.resolve(value[0]) == self.resolve(value[1]),
            "Fn::And": lambda value: all(self.resolve(part) for part in value),
            "Fn::Or": lambda value: any(self.resolve(part) for part in value),
            "Fn::Not": lambda value: not self.resolve(value[0]),
            "Condition": self._condition,
        }

    def resolve(self, value: Any) -> Any:
        """`value` with its intrinsic functions replaced by what they give, where that can be known."""
        if isinstance(value, list):
            return self._resolved_list(value)
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name in self._functions:
                try:
                    return self._functions[name](argument)
                except (KeyError, IndexError, TypeError, ValueError, AttributeError):
                    return self._unknown(value)
            if name.startswith("Fn::"):
                return self._unknown(value)
        resolved = {name: self.resolve(part) for name, part in value.items()}
        return {name: part for name, part in resolved.items() if part is not NO_VALUE}

    def _resolved_list(self, value: Any) -> list[Any]:
        resolved = self.resolve(value) if isinstance(value, dict) else [self.resolve(part) for part in value]
        if not isinstance(resolved, list):
            raise TypeError(value)
        return [part for part in resolved if part is not NO_VALUE]

    def _unknown(self, value: dict[str, Any]) -> Any:
        self.unresolved.add(_text(value))
        return value

    def _ref(self, name: str) -> Any:
        return NO_VALUE if name == "AWS::NoValue" else self._names[name]

    def _sub(self, value: Any) -> str:
        text, variables = (value[0], value[1]) if isinstance(value, list) else (value, {})
        values = {**self._names, **{name: self.resolve(part) for name, part in variables.items()}}
        text = re.sub(r"\$\{([\w.:]+)\}", lambda match: str(values[match[1]]), text)
        return text.replace("${!", "${")

    def _find_in_map(self, value: list[Any]) -> Any:
        name, first, second = (self.resolve(part) for part in value[:3])
        return self._mappings[name][first][second]

    def _condition(self, name: str) -> bool:
        return bool(self.resolve(self._conditions[name]))


def _text(value: Mapping[str, Any]) -> str:
    ((name, argument),) = value.items()
    shown = ".".join(argument) if name == "Fn::GetAtt" and isinstance(argument, list) else str(argument)
    return f"!{name.removeprefix('Fn::')} {shown}"
