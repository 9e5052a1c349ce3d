"""AWS::ApiGateway::Method: the routes of an AWS::ApiGateway::RestApi as resources, as the CDK writes them.

Source: AWS CloudFormation Template Reference, "AWS::ApiGateway::Method", "Resource", "Stage" and "Deployment".
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ...errors import TemplateError
from ..apis import Route
from ..integrations import from_method, to_route
from ..routes import UnservedError, method_of
from ..stack import REST_API, Stack
from ..values import mapping

METHOD, RESOURCE = "AWS::ApiGateway::Method", "AWS::ApiGateway::Resource"
STAGE, DEPLOYMENT = "AWS::ApiGateway::Stage", "AWS::ApiGateway::Deployment"
_ROOT = ".RootResourceId"
_OPEN = (None, "NONE")


class Found(NamedTuple):
    """A route of the API with this logical id."""

    api: str
    route: Route


def method_routes(stack: Stack, functions: Mapping[str, Any], notices: list[str]) -> Iterator[Found]:
    """Yield the routes to `functions`, which are by name; add messages about what is not served."""
    for id_ in stack.of_type(METHOD):
        where = f"{stack.path}: {id_}"
        properties = stack.resolved(id_, "RestApiId", "ResourceId", "HttpMethod", "Integration", "AuthorizationType")
        api = properties.get("RestApiId")
        try:
            _check_api(stack, api)
            path = _path(stack, properties.get("ResourceId"))
            method = method_of(where, properties.get("HttpMethod"))
            integration = from_method(mapping(f"{where}: Integration", properties.get("Integration")))
            yield Found(str(api), to_route(f"{where}: Integration", method, path, integration, functions))
        except (UnservedError, TemplateError) as error:
            notices.append(f"{id_} is left out: {str(error).removeprefix(f'{where}: ')}")
            continue
        if properties.get("AuthorizationType") not in _OPEN:
            notices.append(f"{id_}: the emulator does not enforce its AuthorizationType: everybody may call it")


def stage_of(stack: Stack, api: str) -> str | None:
    """Return the name of the API's first stage; None if it has none."""
    for id_ in stack.of_type(STAGE, DEPLOYMENT):
        properties = stack.resolved(id_, "RestApiId", "StageName")
        if properties.get("RestApiId") == api and isinstance(properties.get("StageName"), str):
            return str(properties["StageName"])
    return None


def _check_api(stack: Stack, api: Any) -> None:
    if stack.resources.get(str(api), {}).get("Type") != REST_API:
        raise UnservedError(f"its RestApiId is no {REST_API} of this template")


def _path(stack: Stack, resource: Any) -> str:
    """Return the path of an AWS::ApiGateway::Resource, or of an API's root."""
    parts: list[str] = []
    while not str(resource).endswith(_ROOT):
        if stack.resources.get(str(resource), {}).get("Type") != RESOURCE or len(parts) > len(stack.resources):
            raise UnservedError(f"its ResourceId leads to no {RESOURCE} of this template")
        properties = stack.resolved(str(resource), "ParentId", "PathPart")
        parts.append(str(properties.get("PathPart")))
        resource = properties.get("ParentId")
    return f"/{'/'.join(reversed(parts))}"
