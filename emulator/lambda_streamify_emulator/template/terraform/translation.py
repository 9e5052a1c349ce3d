"""Translates the functions, layers and URLs of a plan or a state of Terraform into a template.

Source: the documentation of Terraform's provider for AWS, `aws_lambda_function`, `aws_lambda_function_url`,
`aws_lambda_layer_version` and `aws_lambda_alias`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import TemplateError
from ..declaration import TERRAFORM, Declaration, Resources
from ..intrinsics import UNKNOWN
from .code import CodeFinder
from .layers import LayerFinder
from .references import References
from .shown import MANAGED, Resource, read_resources

FUNCTION, URL = "aws_lambda_function", "aws_lambda_function_url"
_CORS = {
    "allow_credentials": "AllowCredentials",
    "allow_headers": "AllowHeaders",
    "allow_methods": "AllowMethods",
    "allow_origins": "AllowOrigins",
    "expose_headers": "ExposeHeaders",
    "max_age": "MaxAge",
}
_CAPACITY = {
    "execution_environment_memory_gib_per_vcpu": "ExecutionEnvironmentMemoryGiBPerVCpu",
    "per_execution_environment_max_concurrency": "PerExecutionEnvironmentMaxConcurrency",
}
_SETTINGS = {
    "function_name": "FunctionName",
    "handler": "Handler",
    "memory_size": "MemorySize",
    "package_type": "PackageType",
    "runtime": "Runtime",
    "timeout": "Timeout",
}
_UNSERVED = {
    "aws_api_gateway_rest_api": "the emulator serves no REST APIs of Terraform",
    "aws_apigatewayv2_api": "the emulator serves no HTTP APIs of Terraform",
    "aws_lb": "the emulator serves no load balancers",
    "aws_sfn_state_machine": "the emulator runs functions, no state machines",
}


def translate(path: Path, shown: Mapping[str, Any]) -> Declaration:
    """Return the declaration in `shown`, what `terraform show -json` has printed into the file at `path`.

    Raises TemplateError if there is no function in it that can be served.
    """
    resources = read_resources(path, shown)
    translation = _Translation(path, resources, References(shown.get("configuration") or {}, resources))
    template = translation.template()
    return Declaration(path, {"Resources": template}, TERRAFORM, notices=tuple(translation.notices))


class _Translation:
    def __init__(self, path: Path, resources: list[Resource], references: References) -> None:
        self.notices: list[str] = []
        self._path = path
        self._resources = resources
        self._references = references
        self._code = CodeFinder(path, resources)
        self._layers = LayerFinder(self._code, resources, references)
        self._ids: dict[str, str] = {}

    def template(self) -> Resources:
        functions: Resources = {}
        for resource in self._managed(FUNCTION):
            function = self._function_or_error(resource)
            if isinstance(function, TemplateError):
                self.notices.append(f"{resource.address} is left out: {function}")
            else:
                functions[self._id(resource)] = function
        if not functions:
            reasons = f"; {'; '.join(self.notices)}" if self.notices else ""
            raise TemplateError(f"{self._path}: it has no {FUNCTION} that can be served{reasons}")
        urls = {self._id(resource): self._url(resource) for resource in self._managed(URL)}
        self.notices += [
            f"{resource.address} is left out: {_UNSERVED[resource.type]}"
            for resource in self._resources
            if resource.mode == MANAGED and resource.type in _UNSERVED
        ]
        return {**self._layers.template(), **functions, **urls}

    def _managed(self, type_: str) -> list[Resource]:
        return [found for found in self._resources if found.mode == MANAGED and found.type == type_]

    def _id(self, resource: Resource) -> str:
        """Return a logical id: the address without the characters that one cannot have, and unlike any other."""
        if resource.address not in self._ids:
            plain = re.sub(r"[^A-Za-z0-9_-]+", "-", resource.address.removeprefix(f"{FUNCTION}.")).strip("-")[:240]
            taken = self._ids.values()
            free = (f"{plain}-{number}" for number in range(2, len(taken) + 3))
            self._ids[resource.address] = plain if plain not in taken else next(id_ for id_ in free if id_ not in taken)
        return self._ids[resource.address]

    def _function_or_error(self, resource: Resource) -> dict[str, Any] | TemplateError:
        try:
            return self._function(resource)
        except TemplateError as error:
            return error

    def _function(self, resource: Resource) -> dict[str, Any]:
        values = resource.values
        properties = {name: _value(resource, key) for key, name in _SETTINGS.items()}
        concurrency = values.get("reserved_concurrent_executions")
        properties |= {
            "Environment": {"Variables": _environment(resource)},
            "Layers": self._layers.of(resource),
            "ReservedConcurrentExecutions": None if concurrency == -1 else concurrency,
            "VpcConfig": (values.get("vpc_config") or [None])[0],
            "CapacityProviderConfig": _capacity(resource),
        }
        own = {key: value for key, value in properties.items() if value is not None}
        if values.get("package_type") == "Image":
            own["Code"] = {"ImageUri": _value(resource, "image_uri")}
            return {"Type": "AWS::Lambda::Function", "Properties": own}
        return {"Type": "AWS::Lambda::Function", "Properties": own, "Metadata": self._code.metadata(resource)}

    def _url(self, resource: Resource) -> dict[str, Any]:
        properties = {
            "TargetFunctionArn": self._target(resource),
            "AuthType": _value(resource, "authorization_type"),
            "InvokeMode": _value(resource, "invoke_mode"),
            "Cors": _cors(resource),
        }
        return {
            "Type": "AWS::Lambda::Url",
            "Properties": {key: value for key, value in properties.items() if value is not None},
        }

    def _target(self, url: Resource) -> Any:
        """Return the name or ARN of a URL's function, or that of the only one to which its configuration refers."""
        if not url.is_unknown("function_name"):
            return url.values.get("function_name")
        targets = self._references.targets(url, "function_name", FUNCTION)
        if len(targets) == 1:
            return {"Ref": self._id(targets[0])}
        return {UNKNOWN: f"{url.address}.function_name"}


def _value(resource: Resource, key: str) -> Any:
    return {UNKNOWN: f"{resource.address}.{key}"} if resource.is_unknown(key) else resource.values.get(key)


def _environment(resource: Resource) -> dict[str, Any]:
    """Return the variables, with those that are not known yet."""
    block = next(iter(resource.values.get("environment") or ()), None) or {}
    known = {name: value for name, value in (block.get("variables") or {}).items() if value is not None}
    part: Any = resource.unknown.get("environment")
    part = part[0] if isinstance(part, list) and part else part
    part = part.get("variables") if isinstance(part, dict) else part
    where = f"{resource.address}.environment"
    names = [name for name, is_unknown in part.items() if is_unknown is True] if isinstance(part, dict) else []
    return {**known, **{name: {UNKNOWN: f"{where}.{name}"} for name in names}}


def _capacity(resource: Resource) -> dict[str, Any] | None:
    """Return what `capacity_provider_config` says of managed instances; None for a function that runs on demand."""
    outer, inner = "capacity_provider_config", "lambda_managed_instances_capacity_provider_config"
    block = next(iter(resource.values.get(outer) or ()), None) or {}
    if not block.get(inner):
        return None
    values = block[inner][0]
    config = {"CapacityProviderArn": values.get("capacity_provider_arn") or ""}  # often not known before `apply`
    for key, name in _CAPACITY.items():
        if resource.is_unknown(outer, 0, inner, 0, key):
            config[name] = {UNKNOWN: f"{resource.address}.{outer}.{key}"}
        elif values.get(key) is not None:
            config[name] = values[key]
    return {"LambdaManagedInstancesCapacityProviderConfig": config}


def _cors(resource: Resource) -> dict[str, Any] | None:
    block = next(iter(resource.values.get("cors") or ()), None)
    if not block:
        return None
    return {name: block[key] for key, name in _CORS.items() if block.get(key) is not None}
