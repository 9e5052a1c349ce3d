"""A SAM template as the functions and layers that the emulator runs.

YAML tags and Globals are read by AWS's own translator, so that they mean what they mean to `sam deploy`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from .apis import Api, ApiReader
from .document import read_document, resources
from .functions import Function, read_function
from .intrinsics import Intrinsics
from .layers import ForeignError, Layer, given_layer, read_layer
from .parameters import parameter_values
from .urls import BUFFERED, RESPONSE_STREAM
from .values import variable

__all__ = ["BUFFERED", "RESPONSE_STREAM", "Function", "Layer", "Template", "load_template", "variable"]

FUNCTION, LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
# What `Ref` of a resource gives if the template says it; otherwise its logical id stands for what AWS would make up.
_NAMES = {
    FUNCTION: "FunctionName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::Serverless::SimpleTable": "TableName",
}


@dataclass(frozen=True)
class Template:
    """What a template holds, what could not be resolved in it, and what of it is not served, and why."""

    functions: tuple[Function, ...]
    unresolved: tuple[str, ...] = field(default=())
    left_out: tuple[str, ...] = field(default=())
    apis: tuple[Api, ...] = ()


def load_template(
    path: Path, parameters: Mapping[str, str] | None = None, layers: Mapping[str, Path] | None = None
) -> Template:
    """Read the template at `path`.

    `parameters` override the defaults of its parameters. `layers` are folders or .zip files with the content of layers,
    by the ARNs that the template has for them.
    """
    document = read_document(path)
    try:
        return _resolve(path, document, parameters or {}, layers or {})
    except RecursionError:
        raise TemplateError(f"{path}: something in it refers to itself") from None
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        raise TemplateError(f"{path}: it cannot be read as a SAM template: {error}") from error


def _resolve(path: Path, document: dict[str, Any], given: Mapping[str, str], places: Mapping[str, Path]) -> Template:
    from samtranslator.plugins.globals.globals import Globals, InvalidGlobalsSectionException

    listed = resources(path, document)
    parameters = parameter_values(path, document, given)
    intrinsics = Intrinsics(document, parameters, _references(listed, Intrinsics(document, parameters)))
    try:
        globals_section = Globals(document)
    except InvalidGlobalsSectionException as error:
        raise TemplateError(f"{path}: {error.message}") from error
    listed = {id_: resource for id_, resource in listed.items() if intrinsics.is_there(resource)}
    layers = {
        id_: read_layer(path, id_, resource, intrinsics)
        for id_, resource in listed.items()
        if resource.get("Type") == LAYER
    }
    layers |= {arn: given_layer(arn, place) for arn, place in places.items()}
    apis = ApiReader(path, listed, globals_section.merge, intrinsics)
    functions: dict[str, Function] = {}
    left_out: list[str] = []
    for id_, resource in listed.items():
        if resource.get("Type") == FUNCTION:
            merged = globals_section.merge(FUNCTION, resource.get("Properties") or {}, id_)
            try:
                function = read_function(path, id_, {**resource, "Properties": merged}, layers, intrinsics)
            except ForeignError as reason:
                left_out.append(f"{id_} is left out: {reason}")
                continue
            if function.name in functions:
                other = functions[function.name].logical_id
                raise TemplateError(f"{path}: {other} and {id_}: both have the name {function.name}")
            functions[function.name] = function
            apis.add(function, merged.get("Events"))
    used = {layer.logical_id for function in functions.values() for layer in function.layers}
    if not functions and left_out:
        raise TemplateError(f"{path}: no function of it can be served: {'; '.join(left_out)}")
    if not functions:
        raise TemplateError(f"{path}: it has no function; the emulator runs resources of type {FUNCTION}")
    left_out += [
        f"the layer {arn}, for which there is {place}, is used by no function"
        for arn, place in places.items()
        if arn not in used
    ]
    served = apis.apis()
    unresolved = tuple(sorted(intrinsics.unresolved))
    return Template(tuple(functions.values()), unresolved, (*left_out, *apis.notices), served)


def _references(resources: Mapping[str, Mapping[str, Any]], parameters_only: Intrinsics) -> dict[str, str]:
    references = {}
    for id_, resource in resources.items():
        key = _NAMES.get(str(resource.get("Type")), "")
        name = parameters_only.resolve((resource.get("Properties") or {}).get(key))
        references[id_] = name if isinstance(name, str) else id_
    return references
