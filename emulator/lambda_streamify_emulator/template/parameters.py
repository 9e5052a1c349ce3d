"""The parameters of a template and their values.

Source: AWS CloudFormation User Guide, "Parameters section structure and syntax".
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from .intrinsics import text
from .values import kind as kind_of
from .values import mapping

_LISTS = ("CommaDelimitedList", "List<")
_STORED = "AWS::SSM::Parameter::Value<"  # the Default is a name in the parameter store, not a value


def parameter_values(path: Path, document: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str | list[str]]:
    """Return the value of each parameter: the one in `given`, else its Default. One without either is left out.

    A list is given as text with commas. For a type of the parameter store, the value itself is given. Raises
    TemplateError for an unknown parameter, or for a value that the template does not allow.
    """
    declared = mapping(f"{path}: Parameters", document.get("Parameters"))
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(map(str, declared)) or "none"
        raise TemplateError(f"{path}: it has no parameter {unknown[0]}; its parameters: {known}")
    values: dict[str, str | list[str]] = {}
    for name, declaration in declared.items():
        where = f"{path}: Parameters: {name}"
        spec = mapping(where, declaration)
        kind = str(spec.get("Type"))
        value = given.get(name)
        if value is None and spec.get("Default") is not None and not kind.startswith(_STORED):
            value = _scalar(where, "Default", spec["Default"])
        if value is None:
            continue
        is_list = kind.removeprefix(_STORED).startswith(_LISTS)
        values[name] = _parts(value) if is_list else value
        _check(where, spec, _parts(value) if is_list else [value])
    return values


def _scalar(where: str, key: str, value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        raise TemplateError(f"{where}: {key}: it is {kind_of(value)} instead of text or a number")
    return text(value)


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",")] if value else []


def _check(where: str, spec: Mapping[str, Any], values: list[str]) -> None:
    if isinstance(spec.get("AllowedValues"), list):
        allowed = [_scalar(where, "AllowedValues", value) for value in spec["AllowedValues"]]
        for value in values:
            if value not in allowed:
                raise TemplateError(f"{where}: {value!r} is not among its AllowedValues: {', '.join(allowed)}")
