"""The response of an HTTP API, which is always sent in one piece.

Source: Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs": in format 2.0 API
Gateway infers a response without statusCode as function URLs do; in format 1.0 it needs the fields of REST APIs. That
an error is 500 and a timeout 503 is what AWS's knowledge center and its users say; it was not checked on AWS.
"""

from ..errors import PreludeError
from ..invocations.prelude import CONTENT_TYPE, Prelude
from ..rest_apis.response import parse_whole
from ..template.apis import FORMAT_1, Route
from ..urls import buffered
from ..web.response_headers import OF_A_CONNECTION, Headers

_REPLACED = {*OF_A_CONNECTION, "content-length"}


def read_response(route: Route, payload: bytes, content_type: str | None) -> tuple[Prelude, bytes]:
    """Return the status, headers and cookies, and the body, of what the function has returned.

    Raises PreludeError if it is not valid.
    """
    if content_type == CONTENT_TYPE:
        raise PreludeError("the function streams, and HTTP APIs do not: set STREAMIFY_INVOKE_MODE=auto or buffered")
    if route.payload_format == FORMAT_1:
        return parse_whole(payload, as_binary=True)
    return buffered.parse(payload, content_type or "")


def response_headers(fields: Prelude, request_id: str, cors: Headers | None) -> Headers:
    """Return the headers of the response; with `cors`, those of the function for CORS are ignored."""
    kept = [
        (name, value)
        for name, value in fields.headers
        if name.lower() not in _REPLACED and not (cors is not None and name.lower().startswith("access-control-"))
    ]
    cookies = [("set-cookie", cookie) for cookie in fields.cookies]
    return [("apigw-requestid", request_id), *kept, *cookies, *(cors or ())]


def own_message(status: int, message: str) -> tuple[int, Headers, bytes]:
    """Return a response of API Gateway itself."""
    return status, [("content-type", "application/json")], b'{"message":"%b"}' % message.encode()
