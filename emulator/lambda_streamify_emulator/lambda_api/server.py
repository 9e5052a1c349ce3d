"""The part of the Lambda API with which SDKs and the AWS CLI find and invoke functions.

Sources: AWS Lambda API Reference, "Invoke", "InvokeWithResponseStream", "GetFunction", "GetFunctionUrlConfig" and
"ListFunctions", and botocore's model of them; for error messages, dry runs and asynchronous invocations, LocalStack's
tests of 2023 and 2024, which were recorded on AWS.
"""

import base64
import json
import re
from collections.abc import AsyncIterator, Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..account import ACCOUNT_ID, REGION
from ..invocations.channel import FunctionError, FunctionFailed
from ..invocations.invocation import Invocation
from ..sandboxes.event_queue import QueueFull
from ..sandboxes.pool import SandboxPool, Throttled
from ..urls.buffered import read_whole
from ..web.asgi import TOO_LARGE, App, Receive, Scope, Send, read_body, run_while_connected, start
from ..web.certificate import CA_CERTIFICATE
from ..web.cors import add_headers
from ..web.iam import CREDENTIALS, Iam
from . import eventstream
from .descriptions import code_description, description, url_description
from .references import InvalidReferenceError, MismatchedQualifierError, Reference, read_reference
from .refusals import Refused, answer

VERSION = ("x-amz-executed-version", "$LATEST")
_TOO_FAST = "FunctionInvocationRateLimitExceeded"  # the reason in botocore's model that fits a full queue
_REQUEST_ID = "streamify.request_id"  # the key in the scope
PAGE_SIZE = 50  # functions (Lambda API Reference, "ListFunctions")
# The content types of events. SDKs send none, or that of bytes; curl sends that of a form by default.
_TYPES = re.compile(
    r"|application/(.+\+)?json|application/x-amz-json-.*|.*/octet-stream|application/x-www-form-urlencoded"
)


def lambda_api(
    pools: Mapping[str, SandboxPool], urls: Mapping[str, str], iam: Iam | None = None, ca_certificate: bytes = b""
) -> Starlette:
    """Return the API's ASGI application; the keys of `pools` and `urls` are function names.

    At paths that AWS does not have, clients on this machine get the credentials of `iam`, with which `streamify invoke`
    signs requests, and all clients the certificate of the CA that the emulator's https needs.
    """
    api = _LambdaApi(pools, urls)

    async def credentials(request: Request) -> Response:
        if iam is None or request.client is None or not ip_address(request.client.host).is_loopback:
            raise Refused(403, "AccessDeniedException", "The credentials are only for clients on this machine")
        return JSONResponse(iam.describe())

    async def certificate(_: Request) -> Response:
        if not ca_certificate:
            raise Refused(404, "ResourceNotFoundException", "This emulator serves no https")
        return Response(ca_certificate, media_type="application/x-pem-file")

    async def unknown(request: Request, _: Exception) -> Response:
        message = f"{request.method} {request.url.path} is not a call that this emulator supports"
        return answer(Refused(404, "ResourceNotFoundException", message))

    async def refused(_: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refused)
        return answer(refusal)

    name = "{function:path}"
    routes = [  # the most frequent first
        Route(f"/2015-03-31/functions/{name}/invocations", api.invoke, methods=["POST"]),
        Route(f"/2021-11-15/functions/{name}/response-streaming-invocations", api.invoke_streamed, methods=["POST"]),
        Route(f"/2021-10-31/functions/{name}/url", api.get_function_url_config, methods=["GET"]),
        Route(f"/2015-03-31/functions/{name}/configuration", api.get_function_configuration, methods=["GET"]),
        Route("/2015-03-31/functions", api.list_functions, methods=["GET"]),
        Route("/2015-03-31/functions/", api.list_functions, methods=["GET"]),
        Route(f"/2015-03-31/functions/{name}", api.get_function, methods=["GET"]),
        Route(CREDENTIALS, credentials, methods=["GET"]),
        Route(CA_CERTIFICATE, certificate, methods=["GET"]),
    ]
    handlers = {404: unknown, 405: unknown, Refused: refused}
    return Starlette(routes=routes, exception_handlers=handlers, middleware=[Middleware(_Identified)])


class _Identified:
    """Gives each request an id. It is also the id of the invocation, and each response has it in a header."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[_REQUEST_ID] = str(uuid4())
        await self._app(scope, receive, add_headers(send, [("x-amzn-requestid", scope[_REQUEST_ID])]))


class _LambdaApi:
    """The API's calls, named as in the API Reference."""

    def __init__(self, pools: Mapping[str, SandboxPool], urls: Mapping[str, str]) -> None:
        self._pools = pools
        self._urls = urls

    async def invoke(self, request: Request) -> Response:
        """Invoke: wait for the whole response, or start an asynchronous invocation."""
        kind = request.headers.get("x-amz-invocation-type", "RequestResponse")
        if kind not in ("RequestResponse", "Event", "DryRun"):
            message = f"The invocation type {kind!r} is not RequestResponse, Event or DryRun"
            raise Refused(400, "InvalidParameterValueException", message)
        pool, invocation = await self._invocation(request, streamed=False)
        if kind == "DryRun":
            return Response(status_code=204)
        if kind == "Event":
            try:
                pool.enqueue(invocation)
            except QueueFull as full:
                raise Refused(429, "TooManyRequestsException", f"Rate Exceeded: {full}", _TOO_FAST) from full
            return Response(status_code=202)
        await _start(pool, invocation)
        headers = dict([VERSION])
        try:
            payload = await read_whole(invocation.channel)
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
            raise Refused(400, "InvalidParameterValueException", message)
        pool, invocation = await self._invocation(request, streamed=True)
        if kind == "DryRun":
            return Response(status_code=204)
        await _start(pool, invocation)
        return _EventStream(invocation, with_log=_wants_log(request))

    async def get_function(self, request: Request) -> Response:
        """GetFunction."""
        pool = self._pool(request)
        code = code_description(pool.function)
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
        name = _reference(request).name
        if name not in self._urls:
            raise Refused(404, "ResourceNotFoundException", "The resource you requested does not exist.")
        return JSONResponse(url_description(self._pools[name].function, self._urls[name]))

    async def list_functions(self, request: Request) -> Response:
        """ListFunctions. A marker is the name of the first function of a page."""
        names, marker = list(self._pools), request.query_params.get("Marker")
        if marker and marker not in names:
            raise Refused(400, "InvalidParameterValueException", f"The marker {marker!r} is not from ListFunctions")
        begin = names.index(marker) if marker else 0
        end = begin + _page(request.query_params.get("MaxItems", str(PAGE_SIZE)))
        found: dict[str, Any] = {"Functions": [description(self._pools[name].function) for name in names[begin:end]]}
        return JSONResponse(found if end >= len(names) else {**found, "NextMarker": names[end]})

    def _pool(self, request: Request) -> SandboxPool:
        return self._find(_reference(request))

    def _find(self, reference: Reference) -> SandboxPool:
        """Return the pool of a function. All versions and aliases refer to the only version that exists."""
        pool = self._pools.get(reference.name)
        if pool is None:
            arn = ":".join(filter(None, (f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function", *reference)))
            raise Refused(404, "ResourceNotFoundException", f"Function not found: {arn}")
        return pool

    async def _invocation(self, request: Request, *, streamed: bool) -> tuple[SandboxPool, Invocation]:
        reference = _reference(request)
        pool = self._find(reference._replace(qualifier=reference.qualifier or "$LATEST"))
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if not _TYPES.fullmatch(kind):
            raise Refused(415, "UnsupportedMediaTypeException", f"The content type {kind!r} is not application/json")
        body = await read_body(request.receive, pool.limits.request)
        if body is None:
            raise Refused(413, "RequestTooLargeException", TOO_LARGE)
        try:
            json.loads(body or b"{}")
        except (ValueError, RecursionError) as error:
            message = f"Could not parse request body into json: {error}"
            raise Refused(400, "InvalidRequestContentException", message) from error
        try:
            client_context = _client_context(request.headers.get("x-amz-client-context", ""))
        except (ValueError, RecursionError) as error:
            message = "Client context must be a valid Base64-encoded JSON object."
            raise Refused(400, "InvalidRequestContentException", message) from error
        tenant_id = request.headers.get("x-amz-tenant-id")
        invocation = Invocation(
            body or b"{}",
            request_id=request.scope[_REQUEST_ID],
            client_context=client_context,
            tenant_id=tenant_id,
            qualifier=reference.qualifier,
            streamed=streamed,
        )
        return pool, invocation


def _reference(request: Request) -> Reference:
    try:
        return read_reference(unquote(request.path_params["function"]), request.query_params.get("Qualifier"))
    except InvalidReferenceError as error:
        raise Refused(400, "ValidationException", str(error)) from error
    except MismatchedQualifierError as error:
        raise Refused(400, "InvalidParameterValueException", str(error)) from error


def _page(size: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", size) or not 1 <= int(size) <= 10_000:
        raise Refused(400, "InvalidParameterValueException", f"MaxItems: {size!r} is not a number from 1 to 10000")
    return min(int(size), PAGE_SIZE)


def _wants_log(request: Request) -> bool:
    return request.headers.get("x-amz-log-type", "None") == "Tail"


async def _start(pool: SandboxPool, invocation: Invocation) -> None:
    try:
        await pool.invoke(invocation)
    except Throttled as throttled:
        raise Refused(429, "TooManyRequestsException", "Rate Exceeded.", throttled.reason) from throttled


def _client_context(header: str) -> str | None:
    """Return the client context of a mobile app as JSON text. Raises ValueError if the header is not valid."""
    if not header:
        return None
    text = base64.b64decode(header, validate=True).decode("utf-8")
    if not isinstance(json.loads(text), dict):
        raise ValueError(text)  # noqa: TRY004 - the caller treats it like invalid JSON
    return text


class _EventStream(Response):
    """An invocation's response as an event stream."""

    def __init__(self, invocation: Invocation, *, with_log: bool) -> None:
        self._invocation = invocation
        self._with_log = with_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await run_while_connected(scope, receive, send, self._answer)
        finally:
            self._invocation.channel.discard()

    async def _answer(self, send: Send) -> None:
        await start(send, 200, [("content-type", eventstream.CONTENT_TYPE), VERSION])
        async for event in self._events():
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _events(self) -> AsyncIterator[bytes]:
        channel = self._invocation.channel
        try:
            await channel.wait_for_start()
        except FunctionFailed as failed:
            yield eventstream.payload_chunk(failed.error.details)
            yield await self._complete(failed.error)
            return
        async for piece in channel.pieces():
            yield eventstream.payload_chunk(piece)
        yield await self._complete(channel.error)

    async def _complete(self, error: FunctionError | None) -> bytes:
        return eventstream.invoke_complete(error, await self._invocation.tail.result() if self._with_log else None)
