"""A function URL's response in invoke mode BUFFERED: the handler's whole result, read as a proxy response.

Sources: AWS Lambda Developer Guide, "Invoking Lambda function URLs", response payload format; details as seen on AWS
(LocalStack's tests of November 2025): a string goes out without its quotes, other values as compact JSON, a statusCode
may be text, multiValueHeaders are not read. What AWS does with a payload that is no JSON is not documented: here it is
a PreludeError, which the client sees as a 502.
"""

import base64
import binascii
import json
from typing import Any

from ..errors import PreludeError
from ..invocations.channel import FunctionFailed, ResponseChannel
from ..invocations.prelude import CONTENT_TYPE, Prelude, checked

_JSON = ("content-type", "application/json")


async def whole(channel: ResponseChannel) -> bytes:
    """All of the response's body. Raises FunctionFailed if the function failed, whenever it did."""
    await channel.started()
    body = b"".join([piece async for piece in channel.pieces()])
    if channel.error is not None:
        raise FunctionFailed(channel.error)
    return body


def parse(payload: bytes, content_type: str) -> tuple[Prelude, bytes]:
    """Status, headers and cookies, and the body, of what the handler returned."""
    if content_type == CONTENT_TYPE:
        raise PreludeError(
            "the function streams, and the URL's InvokeMode is BUFFERED: set STREAMIFY_INVOKE_MODE=buffered, or the"
            " URL's InvokeMode to RESPONSE_STREAM"
        )
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PreludeError(f"the response is no JSON, as a URL with InvokeMode BUFFERED needs it: {error}") from error
    if not isinstance(value, dict) or "statusCode" not in value:
        return Prelude(200, (_JSON,), ()), _text(value)
    head = checked({**value, "statusCode": _status(value["statusCode"])})
    if not any(name.lower() == "content-type" for name, _ in head.headers):
        head = Prelude(head.status, (*head.headers, _JSON), head.cookies)
    body = value.get("body")
    return head, b"" if body is None else _decoded(body) if value.get("isBase64Encoded") else _text(body)


def _status(value: Any) -> Any:
    is_text = isinstance(value, str) and len(value) == 3 and value.isdecimal()  # Python refuses to read thousands
    return int(value) if is_text else value


def _text(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _decoded(body: Any) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        raise PreludeError(f"isBase64Encoded is set, but the body is not base64: {error}") from error
