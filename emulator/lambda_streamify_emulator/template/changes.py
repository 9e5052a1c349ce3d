"""What has changed between two versions of a template, in words."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from .functions import Function
from .reader import Template

# The template's names for a function's attributes; an attribute that is not listed has its own name.
_PROPERTIES = {
    "auth_type": "AuthType",
    "build_method": "BuildMethod",
    "code": "CodeUri",
    "cors": "Cors",
    "handler": "Handler",
    "invoke_mode": "InvokeMode",
    "layers": "Layers",
    "max_concurrency": "PerExecutionEnvironmentMaxConcurrency",
    "memory": "MemorySize",
    "reserved_concurrency": "ReservedConcurrentExecutions",
    "runtime": "Runtime",
    "timeout": "Timeout",
}
_SHOWN = (int, str)  # the types of values that are short enough for a line


def changes(before: Template, after: Template, addresses: Mapping[str, str]) -> list[str]:
    """Return a description of each change. `addresses` are the URLs of functions and REST APIs in `after`."""
    return [
        *_differences(
            {function.name: function for function in before.functions},
            {function.name: function for function in after.functions},
            addresses,
        ),
        *_differences({api.name: api for api in before.apis}, {api.name: api for api in after.apis}, addresses),
    ]


def _differences(before: Mapping[str, Any], after: Mapping[str, Any], addresses: Mapping[str, str]) -> Iterator[str]:
    for name, value in after.items():
        if name not in before:
            yield f"{name} added{f' at {addresses[name]}' if name in addresses else ''}"
        elif value != before[name]:
            details = _settings(before[name], value) if isinstance(value, Function) else ["routes"]
            yield f"{name}: {', '.join(details)} changed"
    for name in before:
        if name not in after:
            yield f"{name} removed"


def _settings(before: Function, after: Function) -> Iterator[str]:
    """Yield the names of the settings that differ, with the values of numbers and words."""
    for field in fields(Function):
        old, new = getattr(before, field.name), getattr(after, field.name)
        if old == new:
            continue
        if field.name == "environment":  # without the values, which may be secret
            yield from (f"variable {name}" for name in sorted({*old, *new}) if old.get(name) != new.get(name))
            continue
        name = _PROPERTIES.get(field.name, field.name)
        is_short = isinstance(old, _SHOWN) and isinstance(new, _SHOWN)
        yield f"{name} ({old} to {new})" if is_short else name
