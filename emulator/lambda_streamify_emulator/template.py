"""A SAM template as the functions and layers that the emulator runs.

YAML tags and Globals are read by AWS's own translator, so that they mean what they mean to `sam deploy`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import TemplateError
from .intrinsics import ACCOUNT_ID, REGION, Intrinsics, text

FUNCTION, LAYER = "AWS::Serverless::Function", "AWS::Serverless::LayerVersion"
BUFFERED, RESPONSE_STREAM = "BUFFERED", "RESPONSE_STREAM"  # AWS Lambda API Reference, "CreateFunctionUrlConfig"
DEFAULT_TIMEOUT, DEFAULT_MEMORY = 3, 128  # seconds, MB: AWS SAM specification, AWS::Serverless::Function
# AWS Lambda API Reference, "CreateFunction" and "Environment".
_NAME, _VARIABLE = re.compile(r"[A-Za-z0-9_-]{1,64}"), re.compile(r"[A-Za-z_]\w*", re.ASCII)
_IMPOSSIBLE = re.compile(r"[\0\ud800-\udfff]")  # no environment variable, and Handler becomes one
_NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")


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
    reserved_concurrency: int | None = None
    """How many invocations of it may run at a time; None if it has no number of its own."""
    unset: tuple[str, ...] = ()
    """The environment variables whose values could not be resolved."""

    @property
    def arn(self) -> str:
        """The name that Lambda would give it."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{self.name}"


@dataclass(frozen=True)
class Template:
    """What a template holds, what could not be resolved in it, and why which functions are left out."""

    functions: tuple[Function, ...]
    unresolved: tuple[str, ...] = field(default=())
    left_out: tuple[str, ...] = field(default=())


class _ForeignError(Exception):
    """A function that is right, and that the emulator does not run."""


def load_template(path: Path, parameters: Mapping[str, str] | None = None) -> Template:
    """Read the template at `path`; `parameters` override the defaults of its parameters."""
    document = _read(path)
    try:
        return _resolve(path, document, parameters or {})
    except RecursionError:
        raise TemplateError(f"{path}: something in it refers to itself") from None
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
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
    except yaml.reader.ReaderError as error:
        raise TemplateError(f"{path}: it is not YAML: {error.reason} at character {error.position}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise TemplateError(f"{path}: it is not YAML: {error.problem}{where}") from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # PyYAML, of values that are not what they look like or are tagged as: the date 2024-13-45, !!int x.
        raise TemplateError(f"{path}: it holds a value that cannot be read as YAML: {error}") from error
    if document is None:
        raise TemplateError(f"{path}: it is empty")
    if not isinstance(document, dict):
        raise TemplateError(f"{path}: it holds {_kind(document)} instead of a template's sections")
    return document


def _kind(value: Any) -> str:
    if value is None:
        return "nothing"
    kinds: dict[type, str] = {dict: "a mapping", list: "a list", str: "text"}
    return kinds.get(type(value), f"the value {value}")


def _mapping(where: str, value: Any) -> dict[str, Any]:
    """`value`, which may be left out but must be a mapping; `where` says what it is."""
    if value is not None and not isinstance(value, dict):
        raise TemplateError(f"{where}: it is {_kind(value)} instead of a mapping")
    return value or {}


def _parameters(path: Path, document: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, str]:
    declared = _mapping(f"{path}: Parameters", document.get("Parameters"))
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(map(str, declared)) or "none"
        raise TemplateError(f"{path}: it has no parameter {unknown[0]}; its parameters: {known}")
    specs = {name: _mapping(f"{path}: Parameters: {name}", spec) for name, spec in declared.items()}
    defaults = {name: text(spec["Default"]) for name, spec in specs.items() if spec.get("Default") is not None}
    return {**defaults, **given}


def _resources(path: Path, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    resources = document.get("Resources")
    if not isinstance(resources, dict):
        raise TemplateError(f"{path}: there are no Resources in it; a SAM template lists its functions there")
    for id_, resource in resources.items():
        if not isinstance(resource, dict):
            raise TemplateError(
                f"{path}: {id_}: it is {_kind(resource)} instead of a resource with Type and Properties"
            )
        _mapping(f"{path}: {id_}: Properties", resource.get("Properties"))
    return {str(id_): resource for id_, resource in resources.items()}


def _resolve(path: Path, document: dict[str, Any], given: Mapping[str, str]) -> Template:
    from samtranslator.plugins.globals.globals import Globals, InvalidGlobalsSectionException

    resources = _resources(path, document)
    names = {id_: (resource.get("Properties") or {}).get("FunctionName", id_) for id_, resource in resources.items()}
    references = {id_: name for id_, name in names.items() if isinstance(name, str)}
    intrinsics = Intrinsics(document, _parameters(path, document, given), references)
    try:
        globals_section = Globals(document)
    except InvalidGlobalsSectionException as error:
        raise TemplateError(f"{path}: {error.message}") from error
    layers = {
        id_: _layer(path, id_, resource, intrinsics)
        for id_, resource in resources.items()
        if resource.get("Type") == LAYER
    }
    functions: dict[str, Function] = {}
    left_out: list[str] = []
    for id_, resource in resources.items():
        if resource.get("Type") == FUNCTION:
            merged = globals_section.merge(FUNCTION, resource.get("Properties") or {}, id_)
            try:
                function = _function(path, id_, merged, layers, intrinsics)
            except _ForeignError as reason:
                left_out.append(f"{id_} is left out: {reason}")
                continue
            if function.name in functions:
                other = functions[function.name].logical_id
                raise TemplateError(f"{path}: {other} and {id_}: both have the name {function.name}")
            functions[function.name] = function
    if not functions and left_out:
        raise TemplateError(f"{path}: no function of it can be served: {'; '.join(left_out)}")
    if not functions:
        raise TemplateError(f"{path}: it has no function; the emulator runs resources of type {FUNCTION}")
    return Template(tuple(functions.values()), tuple(sorted(intrinsics.unresolved)), tuple(left_out))


def _layer(path: Path, logical_id: str, resource: Mapping[str, Any], intrinsics: Intrinsics) -> Layer:
    properties = intrinsics.resolve(resource.get("Properties") or {})
    content = _folder(path, logical_id, "ContentUri", properties.get("ContentUri"))
    metadata = _mapping(f"{path}: {logical_id}: Metadata", resource.get("Metadata"))
    return Layer(logical_id, content, metadata.get("BuildMethod"))


def _function(
    path: Path, logical_id: str, merged: Mapping[str, Any], layers: Mapping[str, Layer], intrinsics: Intrinsics
) -> Function:
    where = f"{path}: {logical_id}"
    properties = intrinsics.resolve(merged)
    if properties.get("PackageType") == "Image":
        raise _ForeignError("its PackageType is Image, and only code in a folder is run here")
    if properties.get("InlineCode") is not None:
        raise _ForeignError("its code is InlineCode, and only code in a folder is run here")
    for key in ("Handler", "Runtime"):
        if not isinstance(properties.get(key), str) or _IMPOSSIBLE.search(properties[key]):
            raise TemplateError(f"{where}: it has no {key}")
    used = properties.get("Layers") or []
    if not isinstance(used, list):
        raise TemplateError(f"{where}: Layers: it is {_kind(used)} instead of a list")
    environment = _mapping(f"{where}: Environment", properties.get("Environment"))
    variables = _mapping(f"{where}: Environment: Variables", environment.get("Variables"))
    url = _mapping(f"{where}: FunctionUrlConfig", properties.get("FunctionUrlConfig"))
    return Function(
        name=_name(where, logical_id, properties.get("FunctionName")),
        logical_id=logical_id,
        handler=properties["Handler"],
        runtime=properties["Runtime"],
        code=_folder(path, logical_id, "CodeUri", properties.get("CodeUri")),
        timeout=_number(where, "Timeout", properties.get("Timeout", DEFAULT_TIMEOUT), "seconds"),
        memory=_number(where, "MemorySize", properties.get("MemorySize", DEFAULT_MEMORY), "megabytes"),
        environment={
            name: variable(f"{where}: Environment", name, value)
            for name, value in variables.items()
            if not isinstance(value, dict)
        },
        layers=tuple(_used_layer(where, reference, layers) for reference in used),
        invoke_mode=_invoke_mode(where, url) if properties.get("FunctionUrlConfig") is not None else None,
        unset=tuple(str(name) for name, value in variables.items() if isinstance(value, dict)),
        reserved_concurrency=_concurrency(where, properties.get("ReservedConcurrentExecutions")),
    )


def _name(where: str, logical_id: str, value: Any) -> str:
    if value is None or isinstance(value, dict):  # an unresolved one is among those that are named
        return logical_id
    if not _NAME.fullmatch(str(value)):
        raise TemplateError(f"{where}: FunctionName: {value!r} is not up to 64 letters, digits, - and _")
    return str(value)


def _invoke_mode(where: str, url: Mapping[str, Any]) -> str:
    mode = url.get("InvokeMode")
    if mode is None or isinstance(mode, dict):  # an unresolved one is among those that are named
        return BUFFERED
    if mode not in (BUFFERED, RESPONSE_STREAM):
        raise TemplateError(f"{where}: FunctionUrlConfig: InvokeMode: {mode!r} is not {BUFFERED} or {RESPONSE_STREAM}")
    return str(mode)


def _concurrency(where: str, value: Any) -> int | None:
    if value is None or isinstance(value, dict):  # an unresolved one is among those that are named
        return None
    return 0 if str(value) == "0" else _number(where, "ReservedConcurrentExecutions", value, "invocations")


def _number(where: str, key: str, value: Any, unit: str) -> int:
    if isinstance(value, (int, str)) and not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
        return int(value)
    raise TemplateError(f"{where}: {key}: {value!r} is not a number of {unit}")


def _used_layer(where: str, reference: Any, layers: Mapping[str, Layer]) -> Layer:
    name = str(reference)
    if name in layers:
        return layers[name]
    # arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION
    if name.split(":")[5:7] == ["layer", "streamify"]:
        return Layer("streamify", None)
    if isinstance(reference, str) and name.startswith("arn:"):
        raise _ForeignError(f"the layer {name} is neither in this template nor streamify itself")
    raise TemplateError(f"{where}: the layer {name} is neither in this template nor streamify itself")


def variable(where: str, name: Any, value: Any) -> str:
    """The value of an environment variable as text. Raises TemplateError, which begins with `where`."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):  # YAML reads a bare YES as a boolean
        raise TemplateError(f"{where}: {name!r} is not a name of letters, digits and _ for a variable")
    if value is None or isinstance(value, list):
        raise TemplateError(f"{where}: {name}: it is {_kind(value)} instead of text")
    if _IMPOSSIBLE.search(text(value)):
        raise TemplateError(f"{where}: {name}: a character of it is none that a variable can hold")
    return text(value)


def _folder(path: Path, logical_id: str, key: str, value: Any) -> Path:
    if not isinstance(value, str):
        raise TemplateError(f"{path}: {logical_id}: it has no {key} that is a folder on this machine")
    folder = path.parent / value
    if not folder.is_dir():
        raise TemplateError(f"{path}: {logical_id}: its {key} {value} is not a folder")
    return folder.resolve()
