"""A template and the code that it names, read for the rules. What is wrong in it is for the rules to say."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from ..template.contents import TEMPLATE_FOLDER
from ..template.declaration import Declaration
from ..template.document import resources
from ..template.intrinsics import Intrinsics
from ..template.parameters import parameter_values
from ..template.positions import Key
from .finding import Place
from .functions import LAMBDA_FUNCTION, SAM_FUNCTION, CheckedFunction, Url, UsedLayer
from .layers import is_our_archive, layer_of_arn, layer_of_resource
from .routes import METHOD, SAM, Route, TextFile, function_in, openapi_routes
from .values import is_unresolved, mapping_or_empty, names_in

SAM_API, REST_API, API_METHOD = "AWS::Serverless::Api", "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Method"
LAMBDA_URL = "AWS::Lambda::Url"
IMPLICIT_API = "ServerlessRestApi"
_LAYERS = ("AWS::Serverless::LayerVersion", "AWS::Lambda::LayerVersion")
_GLOBALS = {SAM_FUNCTION: "Function", SAM_API: "Api"}


class Project:
    """What the rules look at. `layers` are the places of layers by their ARNs.

    Raises TemplateError if what is declared is no template.
    """

    def __init__(self, declaration: Declaration, layers: Mapping[str, Path]) -> None:
        path = declaration.path
        self.document = declaration.document
        self.text = declaration.text
        self.file = TextFile(path, declaration.positions())
        self._given_layers = layers
        listed = resources(path, self.document)
        values = parameter_values(path, self.document, declaration.parameters)
        self.valueless = {*mapping_or_empty(self.document.get("Parameters"))} - {*values}
        """The parameters that have no value."""
        # A reference to a resource is its logical id: what AWS would name it does not matter here.
        self.intrinsics = Intrinsics(self.document, values, {id_: id_ for id_ in listed})
        self.resources = {id_: resource for id_, resource in listed.items() if self.intrinsics.is_there(resource)}
        self._globals = _globals(path, self.document)
        self.functions = {
            id_: self._function(id_, str(resource["Type"]))
            for id_, resource in self.resources.items()
            if resource.get("Type") in (SAM_FUNCTION, LAMBDA_FUNCTION)
        }
        self._names = {
            str(function.properties.get("FunctionName", id_)): id_ for id_, function in self.functions.items()
        }
        for function in self.functions.values():
            config = function.properties.get("FunctionUrlConfig")
            if function.type == SAM_FUNCTION and mapping_or_empty(config):
                raw = mapping_or_empty(function.raw.get("FunctionUrlConfig"))
                function.urls.append(Url(function.id, ("FunctionUrlConfig",), mapping_or_empty(config), raw))
        for id_, properties in self.of_type(LAMBDA_URL):
            target = self.function_of(properties.get("TargetFunctionArn"))
            if target is not None:
                resolved = mapping_or_empty(self.intrinsics.resolve(properties))
                self.functions[target].urls.append(Url(id_, (), resolved, properties))
        self.routes = tuple(self._routes())
        for route in self.routes:
            if route.function in self.functions:
                self.functions[route.function].has_streaming_route.append(route.streams)

    def of_type(self, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The logical ids of the resources of these types, with their properties as they stand."""
        for id_, resource in self.resources.items():
            if resource.get("Type") in types:
                yield id_, resource.get("Properties") or {}

    def api_properties(self, id_: str) -> Mapping[str, Any]:
        """The properties of a REST API, resolved, with the Globals."""
        resource = self.resources.get(id_, {"Type": SAM_API})
        return mapping_or_empty(self.intrinsics.resolve(self._merged(id_, str(resource.get("Type")), resource)))

    def function_of(self, reference: Any) -> str | None:
        """The logical id of the function that `reference` means by its name, its Arn or an alias of it."""
        names = [reference] if isinstance(reference, str) else [*names_in(reference)]
        for name in names:
            id_ = self._names.get(name, name)
            if id_ in self.functions:
                return id_
            resource = self.resources.get(id_, {})
            if resource.get("Type") in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
                return self.function_of(mapping_or_empty(resource.get("Properties")).get("FunctionName"))
        return None

    def related(self, names: Collection[str]) -> set[str]:
        """The logical ids of the functions of these names, and of their URLs, APIs and routes."""
        ids = {self._names.get(name, name) for name in names}
        urls = {url.resource for id_ in ids & self.functions.keys() for url in self.functions[id_].urls}
        routes = [route for route in self.routes if route.function in ids]
        return ids | urls | {route.owner for route in routes} | {route.api for route in routes if route.api}

    def place(self, id_: str, *keys: Key) -> Place:
        """Where a property of a resource stands: in it, else in the Globals, else the nearest that is there."""
        own = (*_of(id_), *keys)
        line = self.file.positions.find(own) if keys else None
        section = _GLOBALS.get(str(self.resources.get(id_, {}).get("Type")))
        if line is None and keys and section is not None:
            line = self.file.positions.find(("Globals", section, *keys))
        if line is None:
            # `Properties` alone says less than the name of the resource.
            depth = self.file.positions.depth(own)
            line = self.file.positions.nearest(own if depth > 3 else own[:2])
        return Place(self.file.path, line)

    def _merged(self, id_: str, type_: str, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        properties = resource.get("Properties") or {}
        return mapping_or_empty(self._globals.merge(type_, properties, id_)) if type_ in _GLOBALS else properties

    def _function(self, id_: str, type_: str) -> CheckedFunction:
        resource = self.resources[id_]
        raw = self._merged(id_, type_, resource)
        properties = mapping_or_empty(self.intrinsics.resolve(raw))
        folder, inline = self._code(resource, properties)
        return CheckedFunction(id_, type_, properties, raw, tuple(self._layers(raw, properties)), folder, inline)

    def _code(self, resource: Mapping[str, Any], properties: Mapping[str, Any]) -> tuple[Path | None, str | None]:
        code = properties.get("Code")
        inline = properties.get("InlineCode", mapping_or_empty(code).get("ZipFile"))
        if isinstance(inline, str):
            return None, inline
        # The CDK names what it has put beside its template so.
        asset = mapping_or_empty(resource.get("Metadata")).get("aws:asset:path")
        is_image = properties.get("PackageType") == "Image"
        default = TEMPLATE_FOLDER if resource.get("Type") == SAM_FUNCTION and not is_image else None
        for value in (properties.get("CodeUri", default), code, asset):
            if isinstance(value, str) and "\0" not in value and (self.file.path.parent / value).is_dir():
                return self.file.path.parent / value, None
        return None, None

    def _layers(self, raw: Mapping[str, Any], properties: Mapping[str, Any]) -> Iterator[UsedLayer]:
        entries, resolved = raw.get("Layers"), properties.get("Layers")
        if not isinstance(entries, list) or not isinstance(resolved, list) or len(entries) != len(resolved):
            entries = resolved if isinstance(resolved, list) else []
        for entry in entries:
            value = self.intrinsics.resolve(entry)
            name = value if isinstance(value, str) else next(names_in(value), "")
            resource = self.resources.get(name, {})
            if resource.get("Type") in _LAYERS:
                yield layer_of_resource(self.file.path.parent, name, resource, self.intrinsics)
            elif isinstance(value, str) and value in self._given_layers:
                yield UsedLayer(value, is_our_archive(self._given_layers[value]))
            elif is_unresolved(value) or not isinstance(value, str):
                yield UsedLayer(name, None)
            else:
                yield layer_of_arn(value)

    def _routes(self) -> Iterator[Route]:
        for function in self.functions.values():
            for id_, event in mapping_or_empty(function.properties.get("Events")).items():
                properties = mapping_or_empty(mapping_or_empty(event).get("Properties"))
                if mapping_or_empty(event).get("Type") == "Api":
                    api = properties.get("RestApiId", IMPLICIT_API)
                    api = api if isinstance(api, str) else None
                    path = (*_of(function.id), "Events", id_, "Properties")
                    yield Route(SAM, f"the event {id_}", api, function.id, properties, self.file, path)
        for id_, properties in self.of_type(SAM_API, REST_API):
            for key in ("DefinitionBody", "DefinitionUri", "Body"):
                yield from openapi_routes(
                    self.file, (*_of(id_), key), id_, properties.get(key), self.intrinsics.resolve
                )
        for id_, properties in self.of_type(API_METHOD):
            integration = mapping_or_empty(properties.get("Integration"))
            api = next(names_in(properties.get("RestApiId")), None)
            resolved = mapping_or_empty(self.intrinsics.resolve(integration))
            yield Route(
                METHOD, id_, api, function_in(integration.get("Uri")), resolved, self.file, (*_of(id_), "Integration")
            )


def _of(id_: str) -> tuple[str, str, str]:
    """The path of a resource's properties."""
    return "Resources", id_, "Properties"


def _globals(path: Path, document: Mapping[str, Any]) -> Any:
    """SAM's reading of the Globals, without the sections and properties that it does not know."""
    from samtranslator.plugins.globals.globals import Globals, InvalidGlobalsSectionException

    known = Globals.supported_properties
    sections = {
        name: {key: value for key, value in properties.items() if key in known[f"AWS::Serverless::{name}"]}
        for name, properties in mapping_or_empty(document.get("Globals")).items()
        if f"AWS::Serverless::{name}" in known and isinstance(properties, dict)
    }
    try:
        return Globals({"Globals": sections})
    except InvalidGlobalsSectionException as error:
        raise TemplateError(f"{path}: {error.message}") from error
