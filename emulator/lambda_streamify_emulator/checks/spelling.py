"""Misspelt types, properties, values and settings, which SAM or the layer drop without a word or refuse late."""

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ..template.positions import Key
from ..template.urls import AWS_IAM, BUFFERED, NONE, RESPONSE_STREAM
from . import sam_schema
from .finding import ERROR, WARNING, Finding, Place, Rule
from .functions import MODE, SETTINGS, Url
from .project import LAMBDA_URL, Project
from .values import is_unresolved, mapping_or_empty

TYPE = Rule("misspelt-type", ERROR, "SAM has no such type of resource, or the type is nearly one of SAM's or Lambda's.")
PROPERTY = Rule(
    "misspelt-property",
    ERROR,
    "A property is nearly one that SAM or CloudFormation knows, or the Globals may not have it.",
)
UNKNOWN = Rule("unknown-property", WARNING, "SAM knows no such property in this place, and none that is like it.")
VALUE = Rule("misspelt-value", ERROR, "A value is none of those that the property or the variable may have.")
SETTING = Rule("misspelt-setting", ERROR, "The name of an environment variable is nearly one of the layer's settings.")
RULES = (TYPE, PROPERTY, UNKNOWN, VALUE, SETTING)

# AWS CloudFormation Template Reference; of types that SAM does not have, those around a function's URL.
_CLOUDFORMATION = {
    "AWS::Lambda::Function": (
        *("Architectures", "CapacityProviderConfig", "Code", "CodeSigningConfigArn", "DeadLetterConfig", "Description"),
        *(
            "DurableConfig",
            "Environment",
            "EphemeralStorage",
            "FileSystemConfigs",
            "FunctionName",
            "FunctionScalingConfig",
        ),
        *("Handler", "ImageConfig", "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "PackageType"),
        *("PublishToLatestPublished", "RecursiveLoop", "ReservedConcurrentExecutions", "Role", "Runtime"),
        *("RuntimeManagementConfig", "SnapStart", "Tags", "TenancyConfig", "Timeout", "TracingConfig", "VpcConfig"),
    ),
    LAMBDA_URL: ("AuthType", "Cors", "InvokeMode", "Qualifier", "TargetFunctionArn"),
    "AWS::Lambda::Permission": (
        *("Action", "EventSourceToken", "FunctionName", "FunctionUrlAuthType", "InvokedViaFunctionUrl", "Principal"),
        *("PrincipalOrgID", "SourceAccount", "SourceArn"),
    ),
}
_CORS = ("AllowCredentials", "AllowHeaders", "AllowMethods", "AllowOrigins", "ExposeHeaders", "MaxAge")
_ATTRIBUTES = (
    *("Condition", "Connectors", "CreationPolicy", "DeletionPolicy", "DependsOn", "IgnoreGlobals", "Metadata"),
    *("Properties", "Type", "UpdatePolicy", "UpdateReplacePolicy"),
)
_URL_VALUES = {"InvokeMode": (BUFFERED, RESPONSE_STREAM), "AuthType": (AWS_IAM, NONE)}
_MODES = ("auto", "response_stream", "buffered")
# How alike two words must be, from 0 to 1, to be taken for one (difflib). Types share much of their text.
_ALIKE, _TYPES_ALIKE = 0.8, 0.9


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for id_, resource in project.resources.items():
        yield from _resource(project, id_, resource)
    for unknown in sam_schema.unknown_in_globals(mapping_or_empty(project.document.get("Globals"))):
        yield from _unknown(project, "Globals", ("Globals",), unknown)
    for function in project.functions.values():
        yield from _settings(project, function.id, function.variables)
        for url in function.urls:
            yield from _url(project, url)


def _resource(project: Project, id_: str, resource: Mapping[str, Any]) -> Iterator[Finding]:
    type_ = str(resource.get("Type"))
    yield from _type(project, id_, type_)
    for key in resource:
        place = Place(project.file.path, project.file.positions.nearest(("Resources", id_, key)))
        yield from _near_miss(place, id_, key, _ATTRIBUTES)
    properties = resource.get("Properties") or {}
    if type_ in sam_schema.resource_types():
        for unknown in sam_schema.unknown_in_resource(type_, properties):
            yield from _unknown(project, id_, ("Resources", id_, "Properties"), unknown)
    for key in properties if type_ in _CLOUDFORMATION else ():
        yield from _near_miss(project.place(id_, key), id_, key, _CLOUDFORMATION[type_])


def _url(project: Project, url: Url) -> Iterator[Finding]:
    for key, values in _URL_VALUES.items():
        yield from _value(project.place(url.resource, *url.keys, key), url.resource, key, url.properties, values)
    for key in mapping_or_empty(url.properties.get("Cors")):
        if key not in _CORS:
            place = project.place(url.resource, *url.keys, "Cors", key)
            fix = f"{_near(str(key), _CORS)}:" if _near(str(key), _CORS) else f"one of {', '.join(_CORS)}"
            yield PROPERTY.found(place, url.resource, f"Cors has no property {key}", fix)


def _type(project: Project, id_: str, type_: str) -> Iterator[Finding]:
    known = (*sam_schema.resource_types(), *_CLOUDFORMATION)
    if type_ in known:
        return
    near = get_close_matches(type_, known, 1, _TYPES_ALIKE)
    if near or type_.startswith(sam_schema.SERVERLESS):
        place = Place(project.file.path, project.file.positions.nearest(("Resources", id_, "Type")))
        fix = f"Type: {near[0]}" if near else f"one of {', '.join(sam_schema.resource_types())}"
        yield TYPE.found(place, id_, f"there is no type {type_}", fix)


def _unknown(project: Project, resource: str, base: tuple[Key, ...], unknown: sam_schema.Unknown) -> Iterator[Finding]:
    place = Place(project.file.path, project.file.positions.nearest((*base, *unknown.path)))
    where = ".".join(map(str, unknown.path[:-1])) or ("Properties" if base[0] == "Resources" else "Globals")
    near = _near(unknown.word, unknown.known)
    if unknown.is_value:
        fix = f"Type: {near}" if near else f"one of {', '.join(unknown.known)}"
        yield VALUE.found(place, resource, f"{where}: Type is {unknown.word}, which SAM does not know", fix)
    elif near:
        yield PROPERTY.found(place, resource, f"{where} has no property {unknown.word}", f"{near}:")
    else:
        fix = f"one of {', '.join(sorted(unknown.known))}"
        rule = PROPERTY if base == ("Globals",) else UNKNOWN  # SAM refuses a template for its Globals
        yield rule.found(place, resource, f"SAM knows no property {unknown.word} in {where}", fix)


def _near_miss(place: Place, resource: str, key: Any, known: Iterable[str]) -> Iterator[Finding]:
    near = _near(str(key), known)
    if key not in known and near:
        yield PROPERTY.found(place, resource, f"there is no property {key}", f"{near}:")


def _value(place: Place, resource: str, key: str, properties: Any, values: tuple[str, ...]) -> Iterator[Finding]:
    value = properties.get(key)
    if value is not None and not is_unresolved(value) and value not in values:
        near = _near(str(value).upper(), values)
        fix = f"{key}: {near}" if near else f"{key}: {values[0]} or {values[1]}"
        yield VALUE.found(place, resource, f"{key} is {value}, which is not {values[0]} or {values[1]}", fix)


def _settings(project: Project, id_: str, variables: Any) -> Iterator[Finding]:
    for name, value in variables.items():
        place = project.place(id_, "Environment", "Variables", name)
        near = _near(str(name), SETTINGS)
        if name not in SETTINGS and near and near not in variables:
            yield SETTING.found(place, id_, f"there is no setting {name}", f"{near}: {value}")
        if name == MODE and value and not is_unresolved(value) and value not in _MODES:
            fix = f"{MODE}: {_near(str(value).lower(), _MODES) or ' or '.join(_MODES)}"
            yield VALUE.found(place, id_, f"{MODE} is {value}, which is not one of {', '.join(_MODES)}", fix)


def _near(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is probably meant to be."""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower(), by_lower, 1, _ALIKE)
    return by_lower[found[0]] if found else None
