"""A SAM template as the functions and layers that the emulator runs.

YAML tags and Globals are read by AWS's own translator, so that they mean what they mean to `sam deploy`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import TemplateError
from .intrinsics import ACCOUNT_ID, REGION, Intrinsics

FUNCTION, LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
DEFAULT_TIMEOUT, DEFAULT_MEMORY = 3, 128  # seconds, MB: AWS SAM specification, AWS::Serverless::Function


@dataclass(frozen=True)
class Layer:
    """A layer: where its content lies and how it is built. Without content it is the installed streamify layer."""

    logical_id: str
    content: Path | None
    build_method: str | None = None


@dataclass(frozen=True)
class Function:
    """A function of the template. `timeout` is in seconds, `memory` in MB."""

    name: str
    logical_id: str
    handler: str
    runtime: str
    code: Path
    timeout: int
    memory: int
    environment: Mapping[str, str]
    layers: tuple[Layer, ...]
    invoke_mode: str | None
    """The InvokeMode of its URL; None if it has no URL."""

    @property
    def arn(self) -> str:
        """The name that Lambda would give it."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.name}"


@dataclass(frozen=True)
class Template:
    """What a template holds, and what could not be resolved in it."""

    functions: tuple[Function, ...]
    unresolved: tuple[str, ...] = field(default=())


def load_template(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """Read the template at `path`; `parameters` override the defaults of its parameters."""
    document = _read(path)
    resources = document.get("Resources")
    if not isinstance(resources, dict):
        raise TemplateError(f"{path}: there are no Resources in it; a SAM template lists its functions there")
    values = _parameters(path, document, parameters or {})
    names = {id_: _name(id_, resource) for id_, resource in resources.items()}
    intrinsics = Intrinsics(document, values, {id_: name for id_, name in names.items() if isinstance(name, str)})
    try:
        return _resolve(path, document, resources, intrinsics)
    except (AttributeError, TypeError, ValueError) as error:
        raise TemplateError(f"{path}: it cannot be read as a SAM template: {error}") from error


def _read(path: Path) -> dict[str, Any]:
    import yaml
    from samtranslator.yaml_helper import yaml_parse

    try:
        document = yaml_parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TemplateError(
            f"{path}: there is no such file; name your template, or run where template.yaml is"
        ) from None
    except OSError as error:
        raise TemplateError(f"{path}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: it is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise TemplateError(f"{path}: it is not YAML: {getattr(error, 'problem', error)}{where}") from error
    if document is None:
        raise TemplateError(f"{path}: it is empty")
    if not isinstance(document, dict):
        raise TemplateError(f"{path}: it holds {type(document).__name__} instead of a template's sections")
    return document


def _parameters(path: Path, document: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    declared = document.get("Parameters") or {}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(declared) or "none"
        raise TemplateError(f"{path}: it has no parameter {unknown[0]}; its parameters: {known}")
    defaults = {name: str(spec["Default"]) for name, spec in declared.items() if "Default" in (spec or {})}
    return {**defaults, **given}


def _name(logical_id: str, resource: Any) -> Any:
    properties = (resource or {}).get("Properties") or {}
    return properties.get("FunctionName", logical_id)


def _resolve(path: Path, document: dict[str, Any], resources: Mapping[str, Any], intrinsics: Intrinsics) -> Template:
    from samtranslator.plugins.globals.globals import Globals, InvalidGlobalsSectionException

    try:
        globals_section = Globals(document)
    except InvalidGlobalsSectionException as error:
        raise TemplateError(f"{path}: {error.message}") from error
    layers = {
        id_: _layer(path, id_, resource, intrinsics)
        for id_, resource in resources.items()
        if resource.get("Type") == LAYER
    }
    functions = []
    for id_, resource in resources.items():
        if resource.get("Type") == FUNCTION:
            merged = globals_section.merge(FUNCTION, resource.get("Properties") or {}, id_)
            functions.append(_function(path, id_, merged, layers, intrinsics))
    if not functions:
        raise TemplateError(f"{path}: it has no function; the emulator runs resources of type {FUNCTION}")
    return Template(tuple(functions), tuple(sorted(intrinsics.unresolved)))


def _layer(path: Path, logical_id: str, resource: Mapping[str, Any], intrinsics: Intrinsics) -> Layer:
    properties = intrinsics.resolve(resource.get("Properties") or {})
    content = _folder(path, logical_id, "ContentUri", properties.get("ContentUri"))
    return Layer(logical_id, content, (resource.get("Metadata") or {}).get("BuildMethod"))


def _function(
    path: Path, logical_id: str, merged: Mapping[str, Any], layers: Mapping[str, Layer], intrinsics: Intrinsics
) -> Function:
    used = tuple(_used_layer(path, logical_id, reference, layers) for reference in merged.get("Layers") or [])
    properties = intrinsics.resolve({key: value for key, value in merged.items() if key != "Layers"})
    for key in ("Handler", "Runtime"):
        if not isinstance(properties.get(key), str):
            raise TemplateError(f"{path}: {logical_id}: it has no {key}")
    variables = (properties.get("Environment") or {}).get("Variables") or {}
    url = properties.get("FunctionUrlConfig")
    return Function(
        name=properties.get("FunctionName", logical_id),
        logical_id=logical_id,
        handler=properties["Handler"],
        runtime=properties["Runtime"],
        code=_folder(path, logical_id, "CodeUri", properties.get("CodeUri")),
        timeout=int(properties.get("Timeout", DEFAULT_TIMEOUT)),
        memory=int(properties.get("MemorySize", DEFAULT_MEMORY)),
        environment={name: _variable(value) for name, value in variables.items() if not isinstance(value, dict)},
        layers=used,
        invoke_mode=url.get("InvokeMode", "BUFFERED") if url else None,
    )


def _used_layer(path: Path, logical_id: str, reference: Any, layers: Mapping[str, Layer]) -> Layer:
    name = str(reference.get("Ref") if isinstance(reference, dict) else reference)
    if name in layers:
        return layers[name]
    # arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
    if name.split(":")[5:7] == ["layer", "streamify"]:
        return Layer("streamify", None)
    raise TemplateError(f"{path}: {logical_id}: the layer {reference} is neither in this template nor streamify itself")


def _variable(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _folder(path: Path, logical_id: str, key: str, value: Any) -> Path:
    if not isinstance(value, str):
        raise TemplateError(f"{path}: {logical_id}: it has no {key} that is a folder on this machine")
    folder = path.parent / value
    if not folder.is_dir():
        raise TemplateError(f"{path}: {logical_id}: its {key} {value} is not a folder")
    return folder.resolve()
