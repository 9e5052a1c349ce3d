"""Values on which other rules depend, and which cannot be known here."""

from collections.abc import Iterator
from typing import Any

from .finding import ERROR, WARNING, Finding, Place, Rule
from .functions import SETTINGS, CheckedFunction
from .project import Project
from .routes import Route
from .values import is_unresolved, mapping_or_empty, names_in, shown

PARAMETER = Rule("parameter-without-value", ERROR, "A layer or a setting is a parameter that has no value.")
VALUE = Rule("unresolved-value", WARNING, "A layer or a setting is a value that only a deployed stack knows.")
RULES = (PARAMETER, VALUE)


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        if function.is_python or is_unresolved(function.runtime):
            for keys, value, raw in _of_function(project, function):
                yield from _finding(
                    project, project.place(function.id, *keys), function.id, str(keys[-1]), value, raw=raw
                )
        for url in function.urls:
            for key in ("InvokeMode", "AuthType"):
                place = project.place(url.resource, *url.keys, key)
                yield from _finding(project, place, url.resource, key, url.properties.get(key), raw=url.raw.get(key))
    for route in project.routes:
        yield from _of_route(project, route)


def _of_function(project: Project, function: CheckedFunction) -> Iterator[tuple[tuple[str | int, ...], Any, Any]]:
    """The keys that lead to each value that matters, the value, and the same before it was resolved."""
    for key in ("Runtime", "Timeout", "FunctionUrlConfig", "Environment", "Layers"):
        yield (key,), function.properties.get(key), function.raw.get(key)
    variables = mapping_or_empty(function.properties.get("Environment")).get("Variables")
    raw = mapping_or_empty(mapping_or_empty(function.raw.get("Environment")).get("Variables"))
    yield ("Environment", "Variables"), variables, variables
    for name in SETTINGS:
        yield ("Environment", "Variables", name), mapping_or_empty(variables).get(name), raw.get(name)
    layers = function.raw.get("Layers")
    for index, layer in enumerate(layers if isinstance(layers, list) else ()):
        yield ("Layers", index), _layer(project, layer), layer


def _layer(project: Project, layer: Any) -> Any:
    """The layer resolved; the Arn of a resource of the template is one that is known."""
    value = project.intrinsics.resolve(layer)
    return None if next(names_in(value), None) in project.resources else value


def _of_route(project: Project, route: Route) -> Iterator[Finding]:
    for key in (route.form.mode_key, route.form.timeout_key):
        value = route.properties.get(key)
        yield from _finding(project, route.place(key), route.owner, f"{route.label}: {key}", value, raw=value)


def _finding(project: Project, place: Place, resource: str, key: str, value: Any, *, raw: Any) -> Iterator[Finding]:
    if not is_unresolved(value):
        return
    missing = [name for name in names_in(raw) if name in project.valueless]
    what = f"entry {int(key) + 1} of Layers" if key.isdigit() else key
    if missing:
        name = missing[0]
        yield PARAMETER.found(
            place,
            resource,
            f"{what} is {shown(raw)}, and the parameter {name} has no value: it cannot be checked, nor run here",
            f"--parameter {name}=VALUE, or Default: VALUE in the parameter",
        )
    else:
        yield VALUE.found(
            place,
            resource,
            f"{what} is {shown(value)}, which only a deployed stack knows: what depends on it is not checked",
            "the value itself, or a parameter",
        )
