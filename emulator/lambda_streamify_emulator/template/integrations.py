"""Integrations of REST APIs with functions, as OpenAPI definitions and AWS::ApiGateway::Method have them.

Source: Amazon API Gateway Developer Guide, "x-amazon-apigateway-integration object" and "Set up a Lambda proxy
integration with payload response streaming"; AWS CloudFormation Template Reference, "AWS::ApiGateway::Method
Integration". Both have the same properties; CloudFormation's begin with a capital letter.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .apis import DEFAULT_ROUTE, DEFAULT_TIMEOUT_S, FORMAT_2, HTTP_TIMEOUT_LIMIT_S, Headers, Route
from .routes import UnservedError, format_of, timeout_of
from .stack import function_name

_PROXY, _MOCK = "AWS_PROXY", "MOCK"
_STREAMED = "STREAM"
_URI = re.compile(r".*:lambda:path/[^/]+/functions/(?P<function>.+)/(?:response-streaming-)?invocations")
_ALLOWS = re.compile(r"method\.response\.header\.(access-control-.+|vary)", re.IGNORECASE)


@dataclass(frozen=True)
class Integration:
    """The properties of an integration that matter here, by their names in either form."""

    kind: Any
    uri: Any
    mode: Any
    timeout_ms: Any
    timeout_key: str
    mock_headers: Headers = ()
    """Headers of CORS with which a MOCK integration answers."""
    payload_format: Any = FORMAT_2
    """The version of an HTTP API's event format."""


def from_openapi(properties: Mapping[str, Any]) -> Integration:
    """Return what an x-amazon-apigateway-integration says."""
    responses = properties.get("responses")
    values = responses.values() if isinstance(responses, dict) else ()
    answers = [answer for answer in values if isinstance(answer, dict)]
    return Integration(
        kind=properties.get("type"),
        uri=properties.get("uri"),
        mode=properties.get("responseTransferMode"),
        timeout_ms=properties.get("timeoutInMillis"),
        timeout_key="timeoutInMillis",
        mock_headers=_mock_headers(answers[0].get("responseParameters")) if answers else (),
        payload_format=properties.get("payloadFormatVersion", FORMAT_2),
    )


def from_method(properties: Mapping[str, Any]) -> Integration:
    """Return what the property Integration of an AWS::ApiGateway::Method says."""
    responses = properties.get("IntegrationResponses")
    answers = [answer for answer in responses if isinstance(answer, dict)] if isinstance(responses, list) else []
    return Integration(
        kind=properties.get("Type"),
        uri=properties.get("Uri"),
        mode=properties.get("ResponseTransferMode"),
        timeout_ms=properties.get("TimeoutInMillis"),
        timeout_key="TimeoutInMillis",
        mock_headers=_mock_headers(answers[0].get("ResponseParameters")) if answers else (),
    )


def to_route(where: str, method: str, path: str, integration: Integration, functions: Mapping[str, Any]) -> Route:
    """Return the route to one of `functions`, the functions that are served by their names.

    Raises UnservedError if it leads elsewhere, TemplateError if its timeout is not valid.
    """
    kind = str(integration.kind).upper()
    if kind == _MOCK and method == "OPTIONS" and integration.mock_headers:
        return Route(method, path, "", is_streamed=False, preflight=integration.mock_headers)
    _check_kind(integration)
    return Route(
        method,
        path,
        invoked_function(integration.uri, functions),
        is_streamed=integration.mode == _STREAMED,
        timeout=timeout_of(where, integration.timeout_key, integration.timeout_ms, DEFAULT_TIMEOUT_S),
    )


def to_http_route(where: str, method: str, path: str, integration: Integration, functions: Mapping[str, Any]) -> Route:
    """Return the route of an HTTP API, which never streams. Raises the errors of `to_route`."""
    _check_kind(integration)
    limit = HTTP_TIMEOUT_LIMIT_S
    return Route(
        method,
        DEFAULT_ROUTE if path.lstrip("/") == DEFAULT_ROUTE else path,
        invoked_function(integration.uri, functions),
        is_streamed=False,
        timeout=timeout_of(where, integration.timeout_key, integration.timeout_ms, limit, limit),
        payload_format=format_of(where, integration.payload_format),
    )


def _check_kind(integration: Integration) -> None:
    if str(integration.kind).upper() != _PROXY:
        shown = integration.kind if isinstance(integration.kind, str) else "missing"
        raise UnservedError(f"the type of its integration is {shown}, and the emulator serves {_PROXY}")


def invoked_function(uri: Any, functions: Mapping[str, Any]) -> str:
    """Return the name of the function that the URI of an integration invokes; raises UnservedError for another."""
    if not isinstance(uri, str):
        raise UnservedError("the uri of its integration is a value that only a deployed stack has")
    invoked = _URI.fullmatch(uri)
    name = function_name(invoked["function"] if invoked else uri)  # an HTTP API may have the ARN alone
    if name not in functions:
        raise UnservedError(f"the uri of its integration, {uri}, invokes no function that is served")
    return name


def _mock_headers(parameters: Any) -> Headers:
    """The headers in the parameters of a response, whose values are text in single quotes."""
    given = parameters.items() if isinstance(parameters, dict) else ()
    named = ((_ALLOWS.fullmatch(str(name)), value) for name, value in given)
    return tuple((match[1].lower(), value.strip("'")) for match, value in named if match and isinstance(value, str))
