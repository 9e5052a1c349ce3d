"""Reads a template into the functions, layers and APIs that the emulator runs.

AWS's own translator reads YAML tags and Globals, so that they have the same meaning as for `sam deploy`. Each function,
URL and route is read by itself: one that is not valid is left out with the reason, and the others are served.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import EmulatorError, TemplateError
from .api_reader import ApiReader
from .apis import Api
from .cloudformation.urls import with_urls
from .contents import ForeignError
from .declaration import Declaration, reading
from .forms import read_declaration
from .functions import Function, read_function
from .layers import LAYERS, Layer, given_layer, read_layer
from .stack import FUNCTIONS, Stack
from .unserved import unserved
from .urls import BUFFERED, RESPONSE_STREAM
from .values import variable
from .websocket_apis import websocket_apis

__all__ = ["BUFFERED", "RESPONSE_STREAM", "Function", "Layer", "Template", "load_template", "variable"]


@dataclass(frozen=True)
class Template:
    """The content of a template; `left_out` are messages about the parts that are not served."""

    functions: tuple[Function, ...]
    unresolved: tuple[str, ...] = field(default=())
    left_out: tuple[str, ...] = field(default=())
    apis: tuple[Api, ...] = ()
    faults: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with each function that cannot be read, by its logical id."""


def load_template(
    path: Path, parameters: Mapping[str, str] | None = None, layers: Mapping[str, Path] | None = None
) -> Template:
    """Read the template at `path`, in any of the forms of `read_declaration`. Raises TemplateError if it is not valid.

    `parameters` override the defaults of its parameters. `layers` are folders or .zip files with the content of layers,
    by the ARNs in the template.
    """
    return load_declaration(read_declaration(path, parameters), layers)


def load_declaration(declaration: Declaration, layers: Mapping[str, Path] | None = None) -> Template:
    """Read a template that may be translated from another form. Raises TemplateError if it is not valid."""
    with reading(declaration.path):
        return _read(Stack(declaration), layers or {}, declaration.notices)


def _read(stack: Stack, places: Mapping[str, Path], notices: tuple[str, ...]) -> Template:
    given = {arn: given_layer(arn, place) for arn, place in places.items()}
    layers = _read_layers(stack)
    functions, reasons = _read_functions(stack, {**layers, **given})
    left_out = [f"{id_} is left out: {_reason(stack, id_, error)}" for id_, error in reasons.items()]
    if not functions:
        raise _no_function(stack, reasons, left_out)
    functions = with_urls(stack, functions, left_out)
    used = {layer.logical_id for function in functions.values() for layer in function.layers}
    left_out += [
        f"{id_} is left out: {_reason(stack, id_, layer)}"
        for id_, layer in layers.items()
        if isinstance(layer, EmulatorError)
    ]
    left_out += [
        f"no function uses the layer {arn}, for which {place} is given"
        for arn, place in places.items()
        if arn not in used
    ]
    reader = ApiReader(stack, functions)
    apis = (*reader.apis(), *websocket_apis(stack, functions, reader.notices))
    messages = (*notices, *left_out, *unserved(stack), *reader.notices)
    faults = {id_: str(error) for id_, error in reasons.items()}
    return Template(tuple(functions.values()), tuple(sorted(stack.intrinsics.unresolved)), messages, apis, faults)


def _read_layers(stack: Stack) -> dict[str, Layer | EmulatorError]:
    """Return the layers of the template by logical id, or what is wrong with each."""

    def read(id_: str) -> Layer | EmulatorError:
        try:
            return read_layer(stack.path, id_, stack.resources[id_], stack.intrinsics)
        except EmulatorError as error:
            return error

    return {id_: read(id_) for id_ in stack.of_type(*LAYERS)}


def _read_functions(
    stack: Stack, layers: Mapping[str, Layer | EmulatorError]
) -> tuple[dict[str, Function], dict[str, Exception]]:
    """Return the functions by name, and the errors of the others by logical id."""
    functions: dict[str, Function] = {}
    reasons: dict[str, Exception] = {}
    for id_ in stack.of_type(*FUNCTIONS):
        function = _read_function(stack, id_, layers)
        if not isinstance(function, Function):
            reasons[id_] = function
        elif function.name in functions:
            other = functions[function.name].logical_id
            reasons[id_] = TemplateError(f"{stack.path}: {id_}: {other} has the name {function.name} too")
        else:
            functions[function.name] = function
    return functions, reasons


def _read_function(stack: Stack, id_: str, layers: Mapping[str, Layer | EmulatorError]) -> Function | Exception:
    try:
        return read_function(stack, id_, layers)
    except (ForeignError, EmulatorError) as error:
        return error


def _reason(stack: Stack, id_: str, error: Exception) -> str:
    return str(error).removeprefix(f"{stack.path}: ").removeprefix(f"{id_}: ")


def _no_function(stack: Stack, reasons: Mapping[str, Exception], left_out: list[str]) -> EmulatorError:
    if len(reasons) == 1:
        (error,) = reasons.values()
        if isinstance(error, EmulatorError):
            return error
    if reasons:
        return TemplateError(f"{stack.path}: no function of it can be served: {'; '.join(left_out)}")
    types = " and ".join(FUNCTIONS)
    return TemplateError(f"{stack.path}: it has no function; the emulator runs resources of type {types}")
