"""The function URLs that CloudFront distributions of a template have for origins, and what is asked of them there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..template.positions import Key
from .finding import Finding, Place, Rule
from .functions import CheckedFunction, Url
from .project import Project
from .values import mapping_or_empty, names_in

_DISTRIBUTION = "AWS::CloudFront::Distribution"
_CONFIG = "DistributionConfig"


@dataclass(frozen=True)
class Behavior:
    """A cache behavior that sends requests to an origin. `keys` lead to it from the distribution's Properties."""

    keys: tuple[Key, ...]
    properties: Mapping[str, Any]


@dataclass(frozen=True)
class Origin:
    """A URL of a function as an origin of a distribution. `keys` lead to it from the distribution's Properties."""

    project: Project
    distribution: str
    keys: tuple[Key, ...]
    properties: Mapping[str, Any]
    function: CheckedFunction
    url: Url
    behaviors: tuple[Behavior, ...]

    @property
    def timeouts(self) -> Mapping[str, Any]:
        """The CustomOriginConfig, which a function URL needs."""
        return mapping_or_empty(self.properties.get("CustomOriginConfig"))

    def place(self, *keys: Key) -> Place:
        """Where a property of the distribution stands."""
        return self.project.place(self.distribution, *keys)

    def found(self, rule: Rule, place: Place, problem: str, fix: str) -> Finding:
        """The finding that the distribution has this mistake; it concerns the function too."""
        resources = (self.distribution, self.function.id)
        return Finding(rule.name, rule.severity, resources, str(place.file), place.line, problem, fix)


def url_origins(project: Project) -> Iterator[Origin]:
    """The origins that are URLs of functions in this template."""
    urls = {
        _resource_of(url, function): (function, url) for function in project.functions.values() for url in function.urls
    }
    for id_, properties in project.of_type(_DISTRIBUTION):
        config = mapping_or_empty(project.intrinsics.resolve(mapping_or_empty(properties.get(_CONFIG))))
        for number, origin in enumerate(_list(config.get("Origins"))):
            named = next((name for name in names_in(mapping_or_empty(origin).get("DomainName")) if name in urls), None)
            if named is not None:
                behaviors = tuple(_behaviors(config, origin.get("Id")))
                yield Origin(project, id_, (_CONFIG, "Origins", number), origin, *urls[named], behaviors)


def _resource_of(url: Url, function: CheckedFunction) -> str:
    """The logical id of the AWS::Lambda::Url: SAM names the one that it makes after the function."""
    return f"{function.id}Url" if url.resource == function.id else url.resource


def _behaviors(config: Mapping[str, Any], origin: Any) -> Iterator[Behavior]:
    default = mapping_or_empty(config.get("DefaultCacheBehavior"))
    if default.get("TargetOriginId") == origin:
        yield Behavior((_CONFIG, "DefaultCacheBehavior"), default)
    for number, behavior in enumerate(_list(config.get("CacheBehaviors"))):
        if mapping_or_empty(behavior).get("TargetOriginId") == origin:
            yield Behavior((_CONFIG, "CacheBehaviors", number), behavior)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
