"""Reads WebSocket APIs: SAM's AWS::Serverless::WebSocketApi, and the resources of AWS::ApiGatewayV2.

Sources: AWS SAM specification, "AWS::Serverless::WebSocketApi", and SAM's translator 1.115; AWS CloudFormation Template
Reference, "AWS::ApiGatewayV2::Api", "Route", "Integration" and "Stage".
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import TemplateError
from .apis import DEFAULT_TIMEOUT_S, ROUTE_SELECTION, WEBSOCKET, Api, Route
from .integrations import invoked_function
from .routes import UnservedError, timeout_of
from .stack import Stack
from .values import mapping

SAM_API = "AWS::Serverless::WebSocketApi"
API_V2 = "AWS::ApiGatewayV2::Api"
SAM_STAGE = "default"
_ROUTE, _INTEGRATION, _STAGE = (f"AWS::ApiGatewayV2::{kind}" for kind in ("Route", "Integration", "Stage"))
_INTEGRATIONS = "integrations/"
_OPEN = (None, "NONE")


def websocket_apis(stack: Stack, functions: Mapping[str, Any], notices: list[str]) -> Iterator[Api]:
    """Yield the APIs with routes to `functions`, which are by name; add messages about what is not served."""
    for id_ in stack.of_type(SAM_API, API_V2):
        is_sam = stack.resources[id_]["Type"] == SAM_API
        if not is_sam and not is_websocket(stack, id_):
            continue
        read = _sam_routes if is_sam else _resource_routes
        routes = tuple(read(stack, id_, functions, notices))
        properties = stack.resolved(id_, "RouteSelectionExpression", "StageName")
        selection = properties.get("RouteSelectionExpression")
        stage = properties.get("StageName") if is_sam else _stage_of(stack, id_)
        if routes:
            yield Api(
                id_,
                stage if isinstance(stage, str) else SAM_STAGE,
                routes,
                kind=WEBSOCKET,
                route_selection=selection if isinstance(selection, str) else ROUTE_SELECTION,
            )


def is_websocket(stack: Stack, id_: str) -> bool:
    """Whether an AWS::ApiGatewayV2::Api is a WebSocket API; otherwise it is an HTTP API."""
    return stack.resolved(id_, "ProtocolType").get("ProtocolType") == "WEBSOCKET"


def _sam_routes(stack: Stack, id_: str, functions: Mapping[str, Any], notices: list[str]) -> Iterator[Route]:
    where = f"{stack.path}: {id_}"
    properties = stack.resolved(id_, "Routes", "Auth")
    if mapping(f"{where}: Auth", properties.get("Auth")).get("AuthType") not in _OPEN:
        notices.append(f"{id_}: the emulator does not enforce its Auth: everybody may connect")
    for key, given in mapping(f"{where}: Routes", properties.get("Routes")).items():
        at = f"{where}: {key}"
        try:
            route = mapping(at, given)
            function = invoked_function(route.get("FunctionArn"), functions)
            timeout = _timeout(at, "IntegrationTimeout", route)
            yield Route("", str(key), function, is_streamed=False, timeout=timeout, has_response=_has_response(route))
        except (UnservedError, TemplateError) as error:
            notices.append(f"{id_}: {key} is not served: {str(error).removeprefix(f'{at}: ')}")
            continue


def _resource_routes(stack: Stack, api: str, functions: Mapping[str, Any], notices: list[str]) -> Iterator[Route]:
    for id_ in stack.of_type(_ROUTE):
        where = f"{stack.path}: {id_}"
        properties = stack.resolved(
            id_, "ApiId", "RouteKey", "Target", "AuthorizationType", "RouteResponseSelectionExpression"
        )
        if properties.get("ApiId") != api:
            continue
        if properties.get("AuthorizationType") not in _OPEN:
            notices.append(f"{id_}: the emulator does not enforce its AuthorizationType: everybody may connect")
        try:
            integration = _integration(stack, properties.get("Target"))
            function = invoked_function(integration.get("IntegrationUri"), functions)
            key, timeout = str(properties.get("RouteKey")), _timeout(where, "TimeoutInMillis", integration)
            yield Route("", key, function, is_streamed=False, timeout=timeout, has_response=_has_response(properties))
        except (UnservedError, TemplateError) as error:
            notices.append(f"{id_} is left out: {str(error).removeprefix(f'{where}: ')}")
            continue
            continue


def _timeout(where: str, key: str, properties: Mapping[str, Any]) -> float:
    return timeout_of(where, key, properties.get(key), DEFAULT_TIMEOUT_S, DEFAULT_TIMEOUT_S)


def _has_response(route: Mapping[str, Any]) -> bool:
    return route.get("RouteResponseSelectionExpression") is not None


def _integration(stack: Stack, target: Any) -> dict[str, Any]:
    """Return the properties of the integration that is the target of a route. Raises UnservedError."""
    id_ = str(target).removeprefix(_INTEGRATIONS)
    if stack.resources.get(id_, {}).get("Type") != _INTEGRATION:
        raise UnservedError(f"its Target is no {_INTEGRATION} of this template")
    properties = stack.resolved(id_, "IntegrationType", "IntegrationUri", "TimeoutInMillis")
    kind = properties.get("IntegrationType")
    if kind != "AWS_PROXY":
        raise UnservedError(f"the type of its integration is {kind or 'missing'}, and the emulator serves AWS_PROXY")
    return properties


def _stage_of(stack: Stack, api: str) -> Any:
    """Return the name of the API's first stage; None if it has none."""
    stages = (stack.resolved(id_, "ApiId", "StageName") for id_ in stack.of_type(_STAGE))
    return next((stage.get("StageName") for stage in stages if stage.get("ApiId") == api), None)
