"""The types of a function URL's event, for type checkers and editors.

    from lambda_streamify import FunctionUrlEvent, LambdaContext

    def handler(event: FunctionUrlEvent, context: LambdaContext): ...

Source: AWS Lambda Developer Guide, "Invoking Lambda function URLs", request payload format 2.0.
"""

from typing import Any, TypedDict


class Http(TypedDict):
    """The request line, and who sent it."""

    method: str
    path: str
    protocol: str
    sourceIp: str
    userAgent: str


class RequestContext(TypedDict):
    """What Lambda knows of the request."""

    accountId: str
    apiId: str
    domainName: str
    domainPrefix: str
    http: Http
    requestId: str
    routeKey: str
    stage: str
    time: str
    timeEpoch: int


class AuthorizedRequestContext(RequestContext, total=False):
    """The request's context, with the caller of a URL whose AuthType is AWS_IAM."""

    authorizer: "dict[str, Any]"


class RequiredFields(TypedDict):
    """The fields that every event has."""

    version: str
    routeKey: str
    rawPath: str
    rawQueryString: str
    headers: "dict[str, str]"
    requestContext: AuthorizedRequestContext
    isBase64Encoded: bool


class FunctionUrlEvent(RequiredFields, total=False):
    """The event of a function URL. `headers` have names in lower case; `body` is in base64 if isBase64Encoded."""

    body: str
    cookies: "list[str]"
    queryStringParameters: "dict[str, str]"
