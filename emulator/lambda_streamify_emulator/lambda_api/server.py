"""The Lambda API, as far as SDKs and the AWS CLI need it to find functions and to invoke them.

Source: AWS Lambda API Reference, "Invoke", "InvokeWithResponseStream", "GetFunction", "GetFunctionUrlConfig" and
"ListFunctions", and botocore's model of them.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..invocations.channel import FunctionError, FunctionFailed
from ..invocations.invocation import Invocation
from ..sandboxes.pool import SandboxPool, Throttled
from ..template.intrinsics import ACCOUNT_ID, REGION
from ..urls.buffered import whole
from ..web.asgi import TOO_LARGE, Receive, Scope, Send, noticing, read_body, respond_unread, start
from ..web.iam import CREDENTIALS, Iam
from . import eventstream
from .descriptions import description, url_description

VERSION = ("x-amz-executed-version", "$LATEST")
PAGE = 50  # functions (Lambda API Reference, "ListFunctions")
# What an event may come as. SDKs send no type, or that of bytes; curl says of all that it sends that it is a form.
_TYPES = re.compile(
    r"|application/(.+\+)?json|application/x-amz-json-.*|.*/octet-stream|application/x-www-form-urlencoded"
)


def lambda_api(pools: Mapping[str, SandboxPool], urls: Mapping[str, str], iam: Iam | None = None) -> Starlette:
    """The API's ASGI application; `pools` and the addresses of `urls` are by function name.

    Clients on this machine get the credentials of `iam` at a path that AWS does not have: `streamify invoke` signs with
    them.
    """
    api = _LambdaApi(pools, urls)

    async def credentials(request: Request) -> Response:
        if iam is None or request.client is None or not ip_address(request.client.host).is_loopback:
            raise _Refused(403, "AccessDeniedException", "The credentials are only for clients on this machine")
        return JSONResponse(iam.described())

    async def unknown(request: Request, _: Exception) -> Response:
        message = f"{request.method} {request.url.path} is not a call that this emulator knows"
        return _error(404, "ResourceNotFoundException", message)

    async def refused(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, _Refused)
        kind = _Unread if refusal.status == 413 else JSONResponse
        return _error(refusal.status, refusal.error_type, str(refusal), refusal.reason, kind)

    name = "{function:path}"
    routes = [
        Route(f"/2021-11-15/functions/{name}/response-streaming-invocations", api.invoke_streamed, methods=["POST"]),
        Route(f"/2015-03-31/functions/{name}/invocations", api.invoke, methods=["POST"]),
        Route(f"/2021-10-31/functions/{name}/url", api.get_function_url_config, methods=["GET"]),
        Route(f"/2015-03-31/functions/{name}/configuration", api.get_function_configuration, methods=["GET"]),
        Route("/2015-03-31/functions", api.list_functions, methods=["GET"]),
        Route("/2015-03-31/functions/", api.list_functions, methods=["GET"]),
        Route(f"/2015-03-31/functions/{name}", api.get_function, methods=["GET"]),
        Route(CREDENTIALS, credentials, methods=["GET"]),
    ]
    return Starlette(routes=routes, exception_handlers={404: unknown, 405: unknown, _Refused: refused})


def function_name(reference: str) -> str:
    """The name in a reference: a name, a partial or a full ARN, with or without a qualifier.

    Each version and alias means the one version that there is.
    """
    parts = reference.split(":")
    if "function" in parts[1:-1]:  # not first or last: a function may have that name
        parts = parts[parts.index("function", 1) + 1 :]
    return parts[0]


class _Refused(Exception):
    """An error of the caller's, with the status and the type that SDKs know it by."""

    def __init__(self, status: int, error_type: str, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status
        self.error_type = error_type


class _LambdaApi:
    """The calls, each named as in the API Reference."""

    def __init__(self, pools: Mapping[str, SandboxPool], urls: Mapping[str, str]) -> None:
        self._pools = pools
        self._urls = urls
        self._background: set[asyncio.Task[None]] = set()

    async def invoke(self, request: Request) -> Response:
        """Invoke: wait for all of the response, or for none of it."""
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind not in ("RequestResponse", "Event", "DryRun"):
            message = f"The invocation type {kind!r} is not RequestResponse, Event or DryRun"
            raise _Refused(400, "InvalidParameterValueException", message)
        pool, invocation = await self._invocation(request, streamed=False)
        if kind == "DryRun":
            return Response(status_code=204, headers=dict([VERSION]))
        headers = {"x-amzn-requestid": invocation.request_id}
        if kind == "Event":
            draining = asyncio.create_task(_run_unattended(pool, invocation))
            self._background.add(draining)  # the event loop alone would not keep it
            draining.add_done_callback(self._background.discard)
            return Response(status_code=202, headers=headers)
        await _start(pool, invocation)
        headers |= dict([VERSION])
        try:
            payload = await whole(invocation.channel)
        except FunctionFailed as failed:
            headers["x-amz-function-error"] = "Unhandled"
            payload = failed.error.details
        finally:
            invocation.channel.discard()
        if _wants_log(request):
            headers["x-amz-log-result"] = await invocation.tail.result()
        return Response(payload, headers=headers, media_type="application/json")

    async def invoke_streamed(self, request: Request) -> Response:
        """InvokeWithResponseStream."""
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind not in ("RequestResponse", "DryRun"):
            message = f"The invocation type {kind!r} is not RequestResponse or DryRun"
            raise _Refused(400, "InvalidParameterValueException", message)
        pool, invocation = await self._invocation(request, streamed=True)
        if kind == "DryRun":
            return Response(status_code=204, headers=dict([VERSION]))
        await _start(pool, invocation)
        return _EventStream(invocation, with_log=_wants_log(request))

    async def get_function(self, request: Request) -> Response:
        """GetFunction."""
        pool = self._pool(request)
        code = {"RepositoryType": "local", "Location": pool.function.code.as_uri()}
        found = {"Configuration": description(pool.function), "Code": code, "Tags": {}}
        reserved = pool.function.reserved_concurrency
        return JSONResponse(
            found if reserved is None else {**found, "Concurrency": {"ReservedConcurrentExecutions": reserved}}
        )

    async def get_function_configuration(self, request: Request) -> Response:
        """GetFunctionConfiguration."""
        return JSONResponse(description(self._pool(request).function))

    async def get_function_url_config(self, request: Request) -> Response:
        """GetFunctionUrlConfig."""
        pool = self._pool(request)
        url = self._urls.get(pool.function.name)
        if url is None:
            raise _Refused(404, "ResourceNotFoundException", "The resource you requested does not exist.")
        return JSONResponse(url_description(pool.function, url))

    async def list_functions(self, request: Request) -> Response:
        """ListFunctions; a marker is the name of the function that a page begins with."""
        names, marker = list(self._pools), request.query_params.get("Marker")
        if marker and marker not in names:
            raise _Refused(400, "InvalidParameterValueException", f"The marker {marker!r} is none of ListFunctions'")
        begin = names.index(marker) if marker else 0
        end = begin + _page(request.query_params.get("MaxItems", str(PAGE)))
        found: dict[str, Any] = {"Functions": [description(self._pools[name].function) for name in names[begin:end]]}
        return JSONResponse(found if end >= len(names) else {**found, "NextMarker": names[end]})

    def _pool(self, request: Request) -> SandboxPool:
        name = function_name(unquote(request.path_params["function"]))
        pool = self._pools.get(name)
        if pool is None:
            arn = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:{name}"
            raise _Refused(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return pool

    async def _invocation(self, request: Request, *, streamed: bool) -> tuple[SandboxPool, Invocation]:
        pool = self._pool(request)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not _TYPES.fullmatch(kind):
            raise _Refused(415, "UnsupportedMediaTypeException", f"The content type {kind!r} is not application/json")
        body = await read_body(request.receive, pool.limits.request)
        if body is None:
            raise _Refused(413, "RequestTooLargeException", TOO_LARGE)
        try:
            json.loads(body or b"{}")
        except (ValueError, RecursionError) as error:
            message = f"Could not parse request body into json: {error}"
            raise _Refused(400, "InvalidRequestContentException", message) from error
        try:
            client_context = _client_context(request.headers.get("x-amz-client-context", ""))
        except (ValueError, RecursionError) as error:
            message = "Client context must be a valid Base64-encoded JSON object."
            raise _Refused(400, "InvalidRequestContentException", message) from error
        tenant_id = request.headers.get("x-amz-tenant-id")
        event = body or b"{}"
        return pool, Invocation(event, client_context=client_context, tenant_id=tenant_id, streamed=streamed)


def _page(size: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", size) or not 1 <= int(size) <= 10_000:
        raise _Refused(400, "InvalidParameterValueException", f"MaxItems: {size!r} is not a number from 1 to 10000")
    return min(int(size), PAGE)


def _wants_log(request: Request) -> bool:
    return request.headers.get("x-amz-log-type", "None") == "Tail"


async def _start(pool: SandboxPool, invocation: Invocation) -> None:
    try:
        await pool.invoke(invocation)
    except Throttled as throttled:
        raise _Refused(429, "TooManyRequestsException", "Rate Exceeded.", throttled.reason) from throttled


async def _run_unattended(pool: SandboxPool, invocation: Invocation) -> None:
    """Run an invocation that nobody waits for, as soon as there is a sandbox for it, and take its response."""
    await pool.invoke(invocation, patient=True)
    async for _ in invocation.channel.pieces():
        pass


def _client_context(header: str) -> str | None:
    """What a mobile app says of itself, as JSON text. Raises ValueError if that is not what the header holds."""
    if not header:
        return None
    text = base64.b64decode(header, validate=True).decode("utf-8")
    if not isinstance(json.loads(text), dict):
        raise ValueError(text)  # noqa: TRY004 - no object, or no JSON: the caller makes no difference
    return text


def _error(
    status: int, error_type: str, message: str, reason: str | None = None, kind: type[JSONResponse] = JSONResponse
) -> Response:
    report = {"Type": "User", "Message": message}
    if reason is not None:  # of this error alone the message's name is in lower case (botocore's model)
        report = {"Reason": reason, "Type": "User", "message": message}
    return kind(report, status, {"x-amzn-errortype": error_type})


class _Unread(JSONResponse):
    """A response to a request whose body is not read to its end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in self.headers.items() if name != "content-length"]
        await respond_unread(receive, send, self.status_code, headers, bytes(self.body))


class _EventStream(Response):
    """An invocation's response as an event stream."""

    def __init__(self, invocation: Invocation, *, with_log: bool) -> None:
        self._invocation = invocation
        self._with_log = with_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        channel = self._invocation.channel
        headers = [
            ("content-type", eventstream.CONTENT_TYPE),
            VERSION,
            ("x-amzn-requestid", self._invocation.request_id),
        ]
        try:
            async with noticing(receive, channel.discard):
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
            yield await self._complete(failed.error)
            return
        async for piece in channel.pieces():
            yield eventstream.payload_chunk(piece)
        yield await self._complete(channel.error)

    async def _complete(self, error: FunctionError | None) -> bytes:
        return eventstream.invoke_complete(error, await self._invocation.tail.result() if self._with_log else None)
