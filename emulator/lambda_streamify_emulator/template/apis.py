"""The REST APIs of a template, as far as they lead to its functions: events of the type Api.

Sources: AWS SAM specification, "Api" (event) and "AWS::Serverless::Api"; Amazon API Gateway Developer Guide, "Stream
the integration response" and "Amazon API Gateway quotas".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from ..rest_apis.cors import Headers, preflight_headers
from .functions import Function
from .intrinsics import Intrinsics
from .values import kind, mapping, number

API, IMPLICIT, IMPLICIT_STAGE = "AWS::Serverless::Api", "ServerlessRestApi", "Prod"
EDGE = "EDGE"
DEFAULT_TIMEOUT = 29  # seconds
MAX_TIMEOUT = 900
_STREAMED, _BUFFERED = "RESPONSE_STREAM", "BUFFERED"  # SAM's words
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "ANY")


@dataclass(frozen=True)
class Route:
    """A method of a path, and the function that answers it. `timeout` is the integration's, in seconds."""

    method: str
    path: str
    function: str
    is_streamed: bool
    timeout: float = DEFAULT_TIMEOUT
    preflight: Headers | None = None
    """What API Gateway answers in place of the function; None if the function does."""


@dataclass(frozen=True)
class Api:
    """A REST API with one stage."""

    name: str
    stage: str
    routes: tuple[Route, ...]
    endpoint: str = EDGE
    binary_types: tuple[str, ...] = ()


class ApiReader:
    """Collects routes, function by function. `notices` are about what is in the template and not served here."""

    def __init__(self, path: Path, resources: Mapping[str, Any], merge: Any, intrinsics: Intrinsics) -> None:
        self.notices: list[str] = []
        self._path = path
        self._routes: dict[str, list[Route]] = {}
        self._properties = {
            id_: intrinsics.resolve(merge(API, resource.get("Properties") or {}, id_))
            for id_, resource in {IMPLICIT: {}, **resources}.items()
            if id_ == IMPLICIT or resource.get("Type") == API
        }
        self._intrinsics = intrinsics

    def add(self, function: Function, events: Any) -> None:
        """The routes that lead to `function`; `events` is its property Events."""
        where = f"{self._path}: {function.logical_id}: Events"
        for id_, event in mapping(where, events).items():
            spec = mapping(f"{where}: {id_}", event)
            properties = mapping(f"{where}: {id_}: Properties", self._intrinsics.resolve(spec.get("Properties") or {}))
            if spec.get("Type") == "HttpApi":
                self.notices.append(
                    f"{function.name}: the event {id_} is of an HTTP API, which does not stream; HTTP APIs are not "
                    "served here: the function's URL is"
                )
            elif spec.get("Type") == "Api":
                self._add(f"{where}: {id_}", function, id_, properties)

    def apis(self) -> tuple[Api, ...]:
        """Those that have routes, in the order of their first ones."""
        for id_, properties in self._properties.items():
            if properties.get("DefinitionBody") is not None or properties.get("DefinitionUri") is not None:
                self.notices.append(f"{id_}: its own definition is not read here: only events of functions are served")
        return tuple(self._api(id_, tuple(routes)) for id_, routes in self._routes.items())

    def _add(self, where: str, function: Function, id_: str, properties: Mapping[str, Any]) -> None:
        api = properties.get("RestApiId", IMPLICIT)
        if not isinstance(api, str) or api not in self._properties:
            self.notices.append(f"{function.name}: the event {id_} is not served: its RestApiId is none of {API}")
            return
        path, method = properties.get("Path"), str(properties.get("Method")).upper()
        if not isinstance(path, str) or not path.startswith("/"):
            raise TemplateError(f"{where}: Path: it is {kind(path)} that does not begin with /")
        if method not in _METHODS:
            raise TemplateError(f"{where}: Method: {properties.get('Method')!r} is not one of {', '.join(_METHODS)}")
        mode = properties.get("ResponseTransferMode", _BUFFERED)
        if mode not in (_STREAMED, _BUFFERED):
            self.notices.append(
                f"{function.name}: the event {id_} does NOT stream: SAM silently ignores "
                f"ResponseTransferMode: {mode}; write {_STREAMED}"
            )
        if properties.get("Auth") is not None:
            self.notices.append(
                f"{function.name}: the event {id_}: its Auth is not enforced here: everybody may call it"
            )
        route = Route(method, path, function.name, mode == _STREAMED, _timeout(where, properties))
        if route.is_streamed and route.timeout < function.timeout and properties.get("TimeoutInMillis") is None:
            self.notices.append(
                f"{function.name}: the event {id_} is cut after {DEFAULT_TIMEOUT} seconds, API Gateway's default, and "
                f"the function has {function.timeout}: set TimeoutInMillis"
            )
        self._routes.setdefault(api, []).append(route)

    def _api(self, id_: str, routes: tuple[Route, ...]) -> Api:
        properties = self._properties[id_]
        stage = IMPLICIT_STAGE if id_ == IMPLICIT else properties.get("StageName")
        endpoint = properties.get("EndpointConfiguration") or EDGE
        if isinstance(endpoint, dict):
            endpoint = endpoint.get("Type") or EDGE
        if isinstance(endpoint, list):  # CloudFormation's own form
            endpoint = endpoint[0] if endpoint else EDGE
        types = properties.get("BinaryMediaTypes") or []
        if properties.get("Auth") is not None:
            self.notices.append(f"{id_}: its Auth is not enforced here: everybody may call it")
        if properties.get("Cors") is not None:
            routes += tuple(_preflights(f"{self._path}: {id_}", properties["Cors"], routes))
        return Api(
            name=id_,
            stage=stage if isinstance(stage, str) else IMPLICIT_STAGE,
            routes=routes,
            endpoint=str(endpoint),
            binary_types=tuple(str(type_).replace("~1", "/") for type_ in types if isinstance(types, list)),
        )


def _preflights(where: str, cors: Any, routes: tuple[Route, ...]) -> Iterator[Route]:
    """The routes that SAM adds, one for each path without an OPTIONS method of its own."""
    for path in dict.fromkeys(route.path for route in routes):
        own = [route for route in routes if route.path == path]
        methods = [route.method for route in own]
        if "OPTIONS" not in methods:
            headers = preflight_headers(where, cors, methods)
            yield Route("OPTIONS", path, own[0].function, is_streamed=False, preflight=headers)


def _timeout(where: str, properties: Mapping[str, Any]) -> float:
    value = properties.get("TimeoutInMillis")
    if value is None or isinstance(value, dict):  # an unresolved one is among those that are named
        return DEFAULT_TIMEOUT
    milliseconds = number(where, "TimeoutInMillis", value, "milliseconds")
    if not 50 <= milliseconds <= MAX_TIMEOUT * 1000:
        raise TemplateError(f"{where}: TimeoutInMillis: {milliseconds} is not from 50 to {MAX_TIMEOUT * 1000}")
    return milliseconds / 1000
