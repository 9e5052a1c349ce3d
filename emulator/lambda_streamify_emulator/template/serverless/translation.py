"""Translates serverless.yml into a template of SAM, as the Serverless Framework does into one of CloudFormation.

Source: the Framework's documentation, "Serverless.yml Reference", "Functions", "Layers" and "AWS Lambda Managed
Instances".
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import TemplateError
from ..declaration import SERVERLESS, Declaration, Resources
from ..document import parse_document
from ..intrinsics import UNKNOWN, unresolved
from ..stack import SAM_FUNCTION
from ..values import mapping
from .apis import api_resources
from .events import translated_events
from .names import FUNCTION, LAYER, URL, logical_id
from .positions import with_line
from .urls import url_config
from .variables import Variables

DEFAULT_TIMEOUT_S, DEFAULT_MEMORY_MB = 6, 1024
MANAGED_MEMORY_MB = 2048  # of a function on managed instances
_PYTHON_PLUGIN = "serverless-python-requirements"


def translate(path: Path, text: str, options: Mapping[str, str]) -> Declaration:
    """Return the declaration in serverless.yml, whose text is `text`. `options` are values for `${opt:...}`.

    Raises TemplateError if it is not valid.
    """
    document = parse_document(path, text)
    notices: list[str] = []
    try:
        resources = _Service(path, document, Variables(path, document, options), notices).resources()
    except TemplateError as error:
        raise with_line(path, text, error) from error
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    return Declaration(path, template, SERVERLESS, text, notices=tuple(notices))


class _Service:
    def __init__(self, path: Path, document: Mapping[str, Any], variables: Variables, notices: list[str]) -> None:
        self._path = path
        self._notices = notices
        self._stage = variables.stage
        self._document = {key: variables.resolve(value) for key, value in document.items() if key != "custom"}
        self._provider = mapping(f"{path}: provider", self._document.get("provider"))
        name = self._document.get("service")
        self._name = name.get("name") if isinstance(name, dict) and UNKNOWN not in name else name
        if str(self._provider.get("name", "aws")) != "aws":
            raise TemplateError(f"{path}: its provider is {self._provider['name']}, and the emulator serves aws")

    def resources(self) -> Resources:
        functions = self._functions()
        layers = mapping(f"{self._path}: layers", self._document.get("layers"))
        own = self._own("Resources")
        found: Resources = {logical_id(str(name), LAYER): self._layer(str(name), layers[name]) for name in layers}
        found |= {logical_id(name, FUNCTION): self._function(name, function) for name, function in functions.items()}
        found |= api_resources(self._stage, self._provider, functions, self._notices)
        self._extend(found, functions)
        self._note_requirements()
        return {**own, **found}

    def _functions(self) -> dict[str, dict[str, Any]]:
        given = self._document.get("functions")
        if (shown := unresolved(given)) is not None:
            raise TemplateError(f"{self._path}: functions: {shown} cannot be resolved here")
        listed = given if isinstance(given, list) else [given]
        found: dict[str, dict[str, Any]] = {}
        for part in listed:
            if (shown := unresolved(part)) is not None:
                self._notices.append(f"functions: {shown} cannot be resolved here, so its functions are left out")
                continue
            for name, function in mapping(f"{self._path}: functions", part).items():
                found[str(name)] = mapping(f"{self._path}: functions: {name}", function)
        if not found:
            raise TemplateError(f"{self._path}: there are no functions in it")
        return found

    def _function(self, name: str, function: Mapping[str, Any]) -> dict[str, Any]:
        where = f"{self._path}: {name}"
        common = mapping(f"{self._path}: provider: environment", self._provider.get("environment"))
        variables = {**common, **mapping(f"{where}: environment", function.get("environment"))}
        capacity = _capacity(function.get("capacityProvider"))
        memory = DEFAULT_MEMORY_MB if capacity is None else MANAGED_MEMORY_MB
        properties: dict[str, Any] = {
            "FunctionName": function.get("name", self._function_name(name)),
            "Runtime": function.get("runtime", self._provider.get("runtime")),
            "Timeout": function.get("timeout", self._provider.get("timeout", DEFAULT_TIMEOUT_S)),
            "MemorySize": function.get("memorySize", self._provider.get("memorySize", memory)),
            "Environment": {"Variables": {key: value for key, value in variables.items() if value is not None}},
            "Layers": function.get("layers", self._provider.get("layers")),
            "ReservedConcurrentExecutions": function.get("reservedConcurrency"),
            "VpcConfig": function.get("vpc", self._provider.get("vpc")),
            "CapacityProviderConfig": capacity,
            "Events": translated_events(name, function.get("events"), self._payload(), self._notices),
            **self._code(where, function),
        }
        if function.get("url"):
            properties["FunctionUrlConfig"] = url_config(f"{where}: url", function["url"], self._notices)
        return {"Type": SAM_FUNCTION, "Properties": {key: part for key, part in properties.items() if part is not None}}

    def _function_name(self, name: str) -> str:
        return f"{self._name}-{self._stage}-{name}" if isinstance(self._name, str) else name

    def _payload(self) -> str:
        api = self._provider.get("httpApi")
        return str(api.get("payload", "2.0")) if isinstance(api, dict) else "2.0"

    def _code(self, where: str, function: Mapping[str, Any]) -> dict[str, Any]:
        image = function.get("image")
        if image is not None:
            uri = image.get("uri", image) if isinstance(image, dict) else image
            images = mapping(f"{where}: ecr", self._provider.get("ecr")).get("images")
            known = images.get(uri) if isinstance(images, dict) and isinstance(uri, str) else None
            return {"PackageType": "Image", "ImageUri": known.get("uri", uri) if isinstance(known, dict) else uri}
        package = mapping(f"{where}: package", function.get("package") or self._document.get("package"))
        return {"Handler": function.get("handler"), "CodeUri": package.get("artifact", ".")}

    def _layer(self, name: str, given: Any) -> dict[str, Any]:
        layer = mapping(f"{self._path}: layers: {name}", given)
        package = mapping(f"{self._path}: layers: {name}: package", layer.get("package"))
        content = package.get("artifact", layer.get("path"))
        return {"Type": "AWS::Serverless::LayerVersion", "Properties": {"ContentUri": content}}

    def _own(self, key: str) -> Resources:
        """Return the part `key` of the section `resources`, which is a template, or a list of templates."""
        given = self._document.get("resources")
        found: Resources = {}
        for part in given if isinstance(given, list) else [given]:
            if (shown := unresolved(part)) is not None:
                self._notices.append(f"resources: {shown} cannot be resolved here, so it is left out")
            elif isinstance(part, dict) and isinstance(part.get(key), dict):
                found |= {str(id_): value for id_, value in part[key].items() if isinstance(value, dict)}
        return found

    def _extend(self, found: Resources, functions: Mapping[str, Any]) -> None:
        """Apply the section `resources: extensions`, which adds properties to what the Framework makes."""
        urls = {logical_id(name, URL): logical_id(name, FUNCTION) for name in functions}
        for id_, extension in self._own("extensions").items():
            properties = mapping(f"{self._path}: resources: extensions: {id_}", extension.get("Properties"))
            if id_ in urls:
                config = found[urls[id_]]["Properties"].setdefault("FunctionUrlConfig", {})
                config |= properties
            elif id_ in found and found[id_]["Type"] == SAM_FUNCTION:
                found[id_]["Properties"] |= properties

    def _note_requirements(self) -> None:
        plugins = self._document.get("plugins")
        listed = plugins.get("modules") if isinstance(plugins, dict) else plugins
        file = self._path.parent / "requirements.txt"
        if file.is_file() and _PYTHON_PLUGIN not in (listed if isinstance(listed, list) else ()):
            self._notices.append(
                f"{file} is installed here; the Framework installs it only with the plugin {_PYTHON_PLUGIN}"
            )


def _capacity(given: Any) -> dict[str, Any] | None:
    """Return SAM's CapacityProviderConfig for `capacityProvider`: a provider's name, or a mapping; None without it."""
    if given is None:
        return None
    settings = given if isinstance(given, dict) and "name" in given else {"name": given}
    config = {
        "Arn": settings["name"],
        "ExecutionEnvironmentMemoryGiBPerVCpu": settings.get("memoryPerVCpu"),
        "PerExecutionEnvironmentMaxConcurrency": settings.get("maxConcurrency"),
    }
    return {key: value for key, value in config.items() if value is not None}
