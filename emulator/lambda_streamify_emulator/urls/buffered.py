"""The response of a function URL in invoke mode BUFFERED: the handler's whole result, read as a proxy response.

Sources: AWS Lambda Developer Guide, "Invoking Lambda function URLs", response payload format. Details as seen on AWS
(LocalStack's tests of November 2025): a string is sent without its quotes, other values as compact JSON; statusCode may
be text; multiValueHeaders is ignored. AWS does not document what happens with a payload that is not JSON. Here it
raises PreludeError, and the client gets status 502.
"""

import base64
import binascii
import json
from typing import Any

from ..errors import PreludeError
from ..invocations.channel import FunctionFailed, ResponseChannel
from ..invocations.prelude import CONTENT_TYPE, Prelude, read_fields

_JSON = ("content-type", "application/json")


async def read_whole(channel: ResponseChannel) -> bytes:
    """Wait for the whole body of the response, and return it. Raises FunctionFailed if the function fails."""
    await channel.wait_for_start()
    body = b"".join([piece async for piece in channel.pieces()])
    if channel.error is not None:
        raise FunctionFailed(channel.error)
    return body


def parse(payload: bytes, content_type: str) -> tuple[Prelude, bytes]:
    """Return the status, headers and cookies, and the body of the handler's result.

    Raises PreludeError if the result is not a valid response.
    """
    if content_type == CONTENT_TYPE:
        raise PreludeError(
            "the function streams, but the URL's InvokeMode is BUFFERED: set STREAMIFY_INVOKE_MODE=buffered, or the"
            " URL's InvokeMode to RESPONSE_STREAM"
        )
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PreludeError(f"the response is not JSON, which a URL with InvokeMode BUFFERED needs: {error}") from error
    if not isinstance(value, dict) or "statusCode" not in value:
        return Prelude(200, (_JSON,), ()), _text(value)
    head = read_fields({**value, "statusCode": status_of(value["statusCode"])})
    if not any(name.lower() == "content-type" for name, _ in head.headers):
        head = Prelude(head.status, (*head.headers, _JSON), head.cookies)
    body = value.get("body")
    return head, b"" if body is None else _decode_base64(body) if value.get("isBase64Encoded") else _text(body)


def status_of(value: Any) -> Any:
    """Return a statusCode in text form as a number, as AWS does; other values unchanged."""
    is_text = isinstance(value, str) and len(value) == 3 and value.isdecimal()  # int() refuses very long numbers
    return int(value) if is_text else value


def _text(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decode_base64(body: Any) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise PreludeError(f"isBase64Encoded is set, but the body is not base64: {error}") from error
