"""Reads the APIs of a template from all kinds of declaration: events of SAM, OpenAPI definitions, resources.

Sources: AWS SAM specification, "AWS::Serverless::Api" and "AWS::Serverless::HttpApi"; SAM's translator 1.115 for APIs
that have both events and a definition: it adds no routes to a REST API's without MergeDefinitions, nor to any file, and
those that are missing to an HTTP API's.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import TemplateError
from .apis import DEFAULT_STAGE, EDGE, HTTP, REST, Api, Route
from .cloudformation.methods import method_routes, stage_of
from .functions import Function
from .integrations import from_openapi, to_http_route, to_route
from .openapi.definition import Definition, definition_of
from .openapi.operations import binary_types, cors, operations
from .routes import UnservedError
from .sam.api_cors import preflight_headers
from .sam.events import API, HTTP_API, IMPLICIT, TYPES, Event, routed_events
from .stack import REST_API, Stack

IMPLICIT_STAGE = "Prod"
_KINDS = {API: REST, HTTP_API: HTTP, REST_API: REST}
_READ = ("StageName", "EndpointConfiguration", "BinaryMediaTypes", "Cors", "CorsConfiguration")


class ApiReader:
    """Collects the routes to `functions`, which are by name. `notices` are messages about what is not served."""

    def __init__(self, stack: Stack, functions: Mapping[str, Function]) -> None:
        self.notices: list[str] = []
        self._stack = stack
        self._functions = functions
        self._routes: dict[str, list[Route]] = {}
        self._definitions: dict[str, Definition] = {}

    def apis(self) -> tuple[Api, ...]:
        """Return the APIs that have routes to functions, in the order of their first routes."""
        for id_ in self._stack.of_type(*_KINDS):
            self._find_definition(id_)
        for function in self._functions.values():
            for event in routed_events(self._stack, function, self.notices):
                if self._counts(event):
                    self._routes.setdefault(event.api, []).append(event.route)
        for id_, definition in self._definitions.items():
            self._add_operations(id_, definition)
        for api, route in method_routes(self._stack, self._functions, self.notices):
            self._routes.setdefault(api, []).append(route)
        found = [self._api(id_, _with_owners(routes)) for id_, routes in self._routes.items()]
        return tuple(api for api in found if api.routes)

    def _kind(self, id_: str) -> str:
        if id_ in self._stack.resources:
            return _KINDS[self._stack.resources[id_]["Type"]]
        return HTTP if id_ == IMPLICIT[HTTP] else REST

    def _find_definition(self, id_: str) -> None:
        try:
            definition = definition_of(self._stack, self._stack.raw(id_))
        except (UnservedError, TemplateError) as reason:
            self.notices.append(f"{id_}: {reason}: the events of its functions stand for it")
            return
        if definition is not None:
            self._definitions[id_] = definition

    def _counts(self, event: Event) -> bool:
        """Whether the event makes a route; otherwise it is there for the permission alone."""
        if event.api not in self._definitions:
            return True
        given = self._stack.resolved(event.api, "MergeDefinitions").get("MergeDefinitions")
        is_inline = self._stack.raw(event.api).get("DefinitionBody") is not None
        return is_inline and (event.kind == HTTP or str(given).lower() == "true")

    def _add_operations(self, id_: str, definition: Definition) -> None:
        is_http = self._kind(id_) == HTTP
        known = {(route.method, route.path) for route in self._routes.get(id_, ())}
        for method, path, integration, is_secured in operations(definition):
            where = f"{self._stack.path}: {id_}"
            read = to_http_route if is_http else to_route
            try:
                route = read(where, method, path, from_openapi(integration), self._functions)
            except (UnservedError, TemplateError) as error:
                reason = str(error).removeprefix(f"{where}: ")
                self.notices.append(f"{id_}: {method} {path} is not served: {reason}")
                continue
            if is_secured:
                self.notices.append(
                    f"{id_}: {method} {path}: the emulator does not enforce its security: everybody may call it"
                )
            if (route.method, route.path) not in known:
                self._routes.setdefault(id_, []).append(route)

    def _api(self, id_: str, routes: tuple[Route, ...]) -> Api:
        kind = self._kind(id_)
        properties = self._stack.resolved(id_, *_READ, type_=TYPES[kind])
        if self._stack.raw(id_, TYPES[kind]).get("Auth") is not None:
            self.notices.append(f"{id_}: the emulator does not enforce its Auth: everybody may call it")
        if kind == HTTP:
            stage = _text(properties.get("StageName"), DEFAULT_STAGE)
            return Api(id_, stage, routes, kind=HTTP, cors=self._http_cors(id_, properties.get("CorsConfiguration")))
        if properties.get("Cors") is not None:
            routes += tuple(self._preflights(id_, properties["Cors"], routes))
        return Api(
            name=id_,
            stage=self._rest_stage(id_, properties.get("StageName")),
            routes=routes,
            endpoint=_endpoint(properties.get("EndpointConfiguration"), self._stack.resources.get(id_, {}).get("Type")),
            binary_types=self._binary_types(id_, properties.get("BinaryMediaTypes")),
        )

    def _rest_stage(self, id_: str, given: Any) -> str:
        if id_ == IMPLICIT[REST]:
            return IMPLICIT_STAGE
        return _text(given, stage_of(self._stack, id_) or IMPLICIT_STAGE)

    def _binary_types(self, id_: str, types: Any) -> tuple[str, ...]:
        own = tuple(str(type_).replace("~1", "/") for type_ in types if isinstance(types, list)) if types else ()
        return own + (binary_types(self._definitions[id_]) if id_ in self._definitions else ())

    def _http_cors(self, id_: str, given: Any) -> Mapping[str, Any] | None:
        if isinstance(given, dict):
            return given
        if isinstance(given, list):
            return {"AllowOrigins": given}
        if given is True or isinstance(given, str):
            return {"AllowOrigins": ["*" if given is True else given]}
        return cors(self._definitions[id_]) if id_ in self._definitions else None

    def _preflights(self, id_: str, cors_property: Any, routes: tuple[Route, ...]) -> Iterator[Route]:
        """Yield the routes that SAM adds: one for each path that has no OPTIONS method."""
        where = f"{self._stack.path}: {id_}"
        for path in dict.fromkeys(route.path for route in routes):
            own = [route for route in routes if route.path == path]
            methods = [route.method for route in own]
            if "OPTIONS" in methods:
                continue
            try:
                headers = preflight_headers(where, cors_property, methods)
            except TemplateError as error:
                self.notices.append(f"{id_} answers no preflight requests: {str(error).removeprefix(f'{where}: ')}")
                return
            yield Route("OPTIONS", path, own[0].function, is_streamed=False, preflight=headers)


def _with_owners(routes: list[Route]) -> tuple[Route, ...]:
    """Return the routes; one that API Gateway answers itself belongs to a function of the same path, or is dropped."""
    owners = {route.path: route.function for route in reversed(routes) if route.function}
    return tuple(replace(route, function=owners[route.path]) for route in routes if route.path in owners)


def _endpoint(configuration: Any, type_: Any) -> str:
    if isinstance(configuration, dict):
        configuration = configuration.get("Types" if type_ == REST_API else "Type") or EDGE
    if isinstance(configuration, list):  # CloudFormation's own form
        configuration = configuration[0] if configuration else EDGE
    return str(configuration or EDGE)


def _text(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default
