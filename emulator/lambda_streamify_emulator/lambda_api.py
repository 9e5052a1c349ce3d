"""The Lambda API, as far as an unmodified SDK needs it to invoke with a streamed response.

Source: AWS Lambda API Reference, "InvokeWithResponseStream", and botocore's model of it.
"""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import eventstream
from .asgi import TOO_LARGE, Receive, Scope, Send, read_body, start
from .channel import FunctionFailed
from .intrinsics import ACCOUNT_ID, REGION
from .invocation import Invocation
from .pool import SandboxPool


def lambda_api(pools: Mapping[str, SandboxPool]) -> Starlette:
    """The API's ASGI application; `pools` are by function name."""

    async def invoke_with_response_stream(request: Request) -> Response:
        name = function_name(unquote(request.path_params["function"]))
        pool = pools.get(name)
        if pool is None:
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"
            return _error(404, "ResourceNotFoundException", f"Function not found: {arn}")
        body = await read_body(request.receive)
        if body is None:
            return _error(413, "RequestTooLargeException", TOO_LARGE)
        try:
            json.loads(body or b"{}")
        except (ValueError, RecursionError) as error:
            message = f"Could not parse request body into json: {error}"
            return _error(400, "InvalidRequestContentException", message)
        try:
            client_context = _client_context(request.headers.get("x-amz-client-context", ""))
        except (ValueError, RecursionError):
            message = "Client context must be a valid Base64-encoded JSON object."
            return _error(400, "InvalidRequestContentException", message)
        tenant_id = request.headers.get("x-amz-tenant-id")
        invocation = Invocation(body or b"{}", client_context=client_context, tenant_id=tenant_id)
        await pool.invoke(invocation)
        return _EventStream(invocation)

    async def unknown(request: Request, _: Exception) -> Response:
        message = f"{request.method} {request.url.path} is not a call that this emulator knows"
        return _error(404, "ResourceNotFoundException", message)

    path = "/2021-11-15/functions/{function:path}/response-streaming-invocations"
    routes = [Route(path, invoke_with_response_stream, methods=["POST"])]
    return Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown})


def function_name(reference: str) -> str:
    """The name in a reference: a name, a partial or a full ARN, with or without a qualifier."""
    parts = reference.split(":")
    if "function" in parts[1:-1]:  # not first or last: a function may have that name
        parts = parts[parts.index("function", 1) + 1 :]
    return parts[0]


def _client_context(header: str) -> str | None:
    """What a mobile app says of itself, as JSON text. Raises ValueError if that is not what the header holds."""
    if not header:
        return None
    text = base64.b64decode(header, validate=True).decode("utf-8")
    if not isinstance(json.loads(text), dict):
        raise ValueError(text)  # noqa: TRY004 - no object, or no JSON: the caller makes no difference
    return text


def _error(status: int, error_type: str, message: str) -> Response:
    return JSONResponse({"Type": "User", "Message": message}, status, {"x-amzn-errortype": error_type})


class _EventStream(Response):
    """An invocation's response as an event stream."""

    def __init__(self, invocation: Invocation) -> None:
        self._invocation = invocation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel = self._invocation.channel
        headers = [
            ("content-type", eventstream.CONTENT_TYPE),
            ("x-amz-executed-version", "$LATEST"),
            ("x-amzn-requestid", self._invocation.request_id),
        ]
        try:
            await start(send, 200, headers)
            async for event in self._events():
                await send({"type": "http.response.body", "body": event, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            channel.discard()

    async def _events(self) -> AsyncIterator[bytes]:
        channel = self._invocation.channel
        try:
            await channel.started()
        except FunctionFailed as failed:
            yield eventstream.payload_chunk(failed.error.details)
            yield eventstream.invoke_complete(failed.error)
            return
        async for piece in channel.pieces():
            yield eventstream.payload_chunk(piece)
        yield eventstream.invoke_complete(channel.error)
