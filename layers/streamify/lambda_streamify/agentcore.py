"""Functions that were written for Amazon Bedrock AgentCore Runtime, on Lambda: one import changes.

    from lambda_streamify.agentcore import BedrockAgentCoreApp

    app = BedrockAgentCoreApp()

    @app.entrypoint
    async def invoke(payload, context):
        yield {"session": context.session_id}

The app object is the handler: `Handler: app.app`. Paths, format and errors are those that bedrock-agentcore 1.25.0 was
seen to answer with; tests/ecosystem/test_agentcore.py compares both.
"""

import json
from contextvars import ContextVar

from ._bodies.items import encode_items
from ._response.response import StreamingResponse
from ._web.request import Request
from .errors import HandlerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn, TypeVar

    Function = TypeVar("Function", bound=Callable[..., object])

_SESSION_HEADER = "x-amzn-bedrock-agentcore-runtime-session-id"
_REQUEST_HEADER = "x-amzn-bedrock-agentcore-runtime-request-id"
_CUSTOM_HEADERS = "x-amzn-bedrock-agentcore-runtime-custom-"
_IDENTITY_HEADER = "x-amz-bedrock-agentcore-identity-wat"
# Headers that agents do not get. Source: RESTRICTED_HEADERS of bedrock_agentcore.runtime.models, 1.25.0.
_WITHHELD = frozenset(  # one text: a list of them fills a page
    """
    accept accept-ch accept-ch-lifetime accept-charset accept-encoding accept-language accept-ranges
    access-control-allow-credentials access-control-allow-headers access-control-allow-methods
    access-control-allow-origin access-control-expose-headers access-control-max-age
    access-control-request-headers access-control-request-method cache-control cf-connecting-ip cf-ray
    clear-site-data connection content-encoding content-language content-length content-location content-range
    content-security-policy content-security-policy-report-only content-type cookie cross-origin-embedder-policy
    cross-origin-opener-policy cross-origin-resource-policy date downlink dpr ect etag expect-ct expires
    feature-policy forwarded from host if-match if-modified-since if-none-match if-range if-unmodified-since
    keep-alive last-modified link location origin permissions-policy pragma proxy-authorization proxy-connection
    public-key-pins public-key-pins-report-only range referer referrer-policy retry-after rtt save-data
    sec-websocket-accept sec-websocket-extensions sec-websocket-key sec-websocket-protocol sec-websocket-version
    server set-cookie strict-transport-security te trailer transfer-encoding true-client-ip upgrade user-agent
    vary via viewport-width width www-authenticate x-cache x-client-ip x-cluster-client-ip
    x-content-type-options x-csrf-token x-forwarded-for x-forwarded-host x-forwarded-proto x-frame-options
    x-original-host x-original-url x-originating-ip x-real-ip x-requested-with x-rewrite-url x-served-by
    x-source-ip x-xss-protection
    """.split()  # noqa: SIM905
)
_METHODS = {"/ping": "GET", "/invocations": "POST", "/": "POST"}  # "/" is a function's URL as people know it
_JSON = "application/json"
_SSE = "text/event-stream; charset=utf-8"
_DEPTH_LIMIT = 50  # levels of objects that become JSON

_request_id: "ContextVar[str | None]" = ContextVar("agentcore_request_id", default=None)
_session_id: "ContextVar[str | None]" = ContextVar("agentcore_session_id", default=None)
_request_headers: "ContextVar[dict[str, str] | None]" = ContextVar("agentcore_request_headers", default=None)


class RequestContext:
    """What an entry point gets whose second parameter is named `context`.

    session_id       str, the header X-Amzn-Bedrock-AgentCore-Runtime-Session-Id of the request, or None
    request_headers  dict of the headers that agents may see, or None: names are in lower case, except Authorization
    request          the `lambda_streamify.Request`, where AgentCore has Starlette's
    """

    def __init__(self, session_id: "str | None", request_headers: "dict[str, str] | None", request: Request) -> None:
        self.session_id = session_id
        self.request_headers = request_headers
        self.request = request


class BedrockAgentCoreContext:
    """What the request that is being answered has brought, for code that has no `context` at hand."""

    @classmethod
    def get_request_id(cls) -> "str | None":
        """Return the id of the request: that of its header, or a new one."""
        return _request_id.get()

    @classmethod
    def get_session_id(cls) -> "str | None":
        """Return the id of the session, or None if the client has sent none."""
        return _session_id.get()

    @classmethod
    def get_request_headers(cls) -> "dict[str, str] | None":
        """Return the headers that agents may see, or None if there are none."""
        return _request_headers.get()


class BedrockAgentCoreApp:
    """An app for AgentCore Runtime that Lambda calls: the object is the function's handler.

    debug  accepted as AgentCore does, without effect: Lambda's own settings choose what is logged
    """

    def __init__(self, *, debug: bool = False) -> None:
        self.debug = debug
        self._entrypoint: Callable[..., Any] | None = None
        self._ping: Callable[[], Any] | None = None

    def entrypoint(self, function: "Function") -> "Function":
        """Have `function` answer: a plain function, a coroutine function, or a generator of either kind.

        It gets the JSON of the request, and a RequestContext if its second parameter is named `context`. What a
        generator yields becomes server-sent events. Any other value is the response, as JSON.
        """
        self._entrypoint = function
        return function

    def ping(self, function: "Function") -> "Function":
        """Have `function` return the status that GET /ping answers, such as "HealthyBusy"."""
        self._ping = function
        return function

    def websocket(self, _: object) -> "NoReturn":
        """Raise HandlerError: a function URL has no WebSockets."""
        raise HandlerError("BedrockAgentCoreApp.websocket: a function has no WebSockets; stream from @app.entrypoint")

    def async_task(self, _: object) -> "NoReturn":
        """Raise HandlerError: nothing runs in a function after its response."""
        raise HandlerError(
            "BedrockAgentCoreApp.async_task: Lambda stops a function after its response, so no task outlives it; await "
            "the task in the entry point, invoke another function for it, or stay on AgentCore Runtime"
        )

    add_async_task = async_task

    def run(self, *_: object, **__: object) -> "NoReturn":
        """Raise HandlerError: Lambda calls the app, and no server runs."""
        raise HandlerError(
            "BedrockAgentCoreApp.run: Lambda calls the app itself; name it as the function's Handler, such as app.app, "
            'and call run() below `if __name__ == "__main__":` only'
        )

    def __call__(self, event: "Mapping[str, object]", _: object) -> "Any":
        """Answer the HTTP request in `event`. Raises HandlerError for another event."""
        request = Request(event)
        method = _METHODS.get(request.path)
        if method is None:
            return StreamingResponse("Not Found", 404)
        if request.method != method:
            return StreamingResponse("Method Not Allowed", 405, {"allow": method})
        return self._healthy() if method == "GET" else self._invocation(request)

    def _invocation(self, request: Request) -> "Any":
        context = _begin(request)
        try:
            payload = json.loads(request.body)
        except json.JSONDecodeError as error:
            return _own_json({"error": "Invalid JSON", "details": str(error)}, 400)
        except UnicodeDecodeError as error:
            return _own_json({"error": "Invalid encoding", "details": str(error)}, 400)
        function = self._entrypoint
        if function is None:
            return _own_json({"error": "No entrypoint defined"}, 500)
        try:
            result = function(payload, context) if _takes_context(function) else function(payload)
        except Exception as error:  # noqa: BLE001 - AgentCore answers whatever an entry point raises
            return _failed(error)
        return _awaited(result) if hasattr(result, "__await__") else _response(result)

    def _healthy(self) -> StreamingResponse:
        from time import time

        status = self._ping() if self._ping else "Healthy"
        return _own_json({"status": getattr(status, "value", status), "time_of_last_update": int(time())}, 200)


async def _awaited(result: "Any") -> "Any":
    try:
        value = await result
    except Exception as error:  # noqa: BLE001 - as above
        return _failed(error)
    return _response(value)


def _response(result: "Any") -> "Any":
    if isinstance(result, StreamingResponse):
        return result  # as AgentCore lets Starlette's responses through
    if hasattr(result, "__anext__") or hasattr(result, "__next__"):
        body = encode_items("BedrockAgentCoreApp.entrypoint", result, _event, _SSE, _error_fields)
        return StreamingResponse(body)
    return StreamingResponse(_to_json(result), content_type=_JSON)


def _failed(error: Exception) -> StreamingResponse:
    import logging

    logging.getLogger("bedrock_agentcore.app").error("Invocation failed", exc_info=error)
    return _own_json({"error": str(error)}, 500)


def _error_fields(error: Exception) -> "dict[str, str]":
    kind = type(error).__name__
    return {"error": str(error), "error_type": kind, "message": "An error occurred during streaming"}


def _begin(request: Request) -> RequestContext:
    """Set what BedrockAgentCoreContext returns, and return the context of the entry point."""
    from uuid import uuid4

    visible = {name: value for name, value in request.headers.items() if _is_for_agents(name)}
    if "authorization" in visible:
        visible["Authorization"] = visible.pop("authorization")
    session_id, headers = request.headers.get(_SESSION_HEADER), visible or None
    _request_id.set(request.headers.get(_REQUEST_HEADER) or str(uuid4()))
    _session_id.set(session_id)
    _request_headers.set(headers)
    return RequestContext(session_id, headers, request)


def _is_for_agents(name: str) -> bool:
    if name.startswith("x-amz-"):
        return name == _IDENTITY_HEADER
    if name.startswith("x-amzn-"):
        return name.startswith(_CUSTOM_HEADERS)
    return name not in _WITHHELD


def _takes_context(function: "Callable[..., object]") -> bool:
    from inspect import signature

    return list(signature(function).parameters)[1:2] == ["context"]


def _own_json(value: object, status: int) -> StreamingResponse:
    """Return a response of the app's own; AgentCore writes these without spaces."""
    return StreamingResponse(json.dumps(value, ensure_ascii=False, separators=(",", ":")), status, content_type=_JSON)


def _event(value: object) -> bytes:
    return f"data: {_to_json(value)}\n\n".encode()


def _to_json(value: object) -> str:
    """Return JSON of any object, as AgentCore writes it: what has no JSON form becomes its fields, or else its text."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        try:
            return json.dumps(_plain(value), ensure_ascii=False)
        except Exception:  # noqa: BLE001 - an object's own methods may raise anything
            return json.dumps(str(value), ensure_ascii=False)


def _plain(value: "Any", depth: int = 0) -> object:
    """Return the fields of models and dataclasses, and lists for tuples and sets."""
    from dataclasses import asdict, is_dataclass

    if depth > _DEPTH_LIMIT:
        return f"<too_deep:{type(value).__name__}>"
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, dict):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item, depth + 1) for item in value]
    return value
