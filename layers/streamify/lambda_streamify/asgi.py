"""ASGI apps, such as FastAPI's, in the function's own process: `lambda_handler = asgi.handler(app)`.

Source: ASGI specification 3.0, "HTTP & WebSocket ASGI Message Format", spec version 2.4. From that version on, `send`
raises an OSError after the client has disconnected.
"""

from asyncio import Event, Lock

from ._core import current
from ._core.error_report import sole_member
from ._response.inline import streaming
from ._response.response import StreamingResponse
from ._web.http_event import HttpEvent
from ._web.lifespan import AUTO, MODES, OFF, Lifespan
from .errors import ChunkTypeError, ConnectionLost, HandlerError, RuntimeApiError, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._response.writer import ResponseWriter
    from ._web.lifespan import App, Message


def handler(app: "App", *, lifespan: str = AUTO, base_path: "str | None" = None) -> "Callable[[Any, Any], Any]":
    """Return a Lambda handler that answers HTTP requests with the ASGI app `app`, and streams its response.

    Call it at the top level of a module, so that the app starts before the first invocation:

        lambda_handler = asgi.handler(app)

    `lifespan` is a str: "auto" runs an app that does not support the lifespan protocol without it, "on" makes that an
    error, "off" never uses the protocol.

    `base_path` is the prefix of the client's path that the app's routes do not contain, such as "/v1" for the mapping
    of a custom domain. It becomes `root_path` in the scope. The default is the stage, if the client's path contains it.

    Raises HandlerError if `app` cannot be called, or `lifespan` has another value. The handler raises HandlerError for
    an event that is not an HTTP request.
    """
    if not callable(app):
        raise HandlerError(f"the app is a {type(app).__name__}; it must be an ASGI application, a callable")
    if lifespan not in MODES:
        raise HandlerError(f"lifespan is {lifespan!r}; it must be one of {', '.join(MODES)}")
    shared = Lifespan(app, lifespan)
    if lifespan != OFF:
        current.startup.append(shared.start)
        current.shutdown.append(shared.stop)

    @streaming
    async def answer(event: "Any", context: "Any") -> "dict[str, Any]":
        request = HttpEvent(event, base_path)
        if lifespan == OFF or shared.started:
            return await _Exchange(_scope(request, shared.state, event, context), request.body).run(app)
        # Another runtime runs this handler, so the app has not started. Each call needs a lifespan of its own, since
        # the event loop may last for this call only.
        call_lifespan = Lifespan(app, lifespan)
        await call_lifespan.start()
        try:
            return await _Exchange(_scope(request, call_lifespan.state, event, context), request.body).run(app)
        finally:
            await call_lifespan.stop()

    return answer


def _scope(request: HttpEvent, state: "dict[str, Any]", event: "Any", context: "Any") -> "dict[str, Any]":
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": request.http_version,
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.raw_path,
        "query_string": request.query_string,
        "root_path": request.root_path,
        "headers": request.headers,
        "client": request.client,
        "server": request.server,
        "extensions": {},
        "state": state.copy(),
        "aws.event": event,
        "aws.context": context,
    }


class ClientGone(ConnectionLost, OSError):
    """A write failed because the client or Lambda takes no more of the response."""


class _Exchange:
    """One request and its response: the `receive` and `send` of the app."""

    def __init__(self, scope: "dict[str, Any]", body: bytes) -> None:
        self._scope = scope
        self._body: bytes | None = body
        self._invocation = current.running.get()  # now, since the app may send from any task
        self._response: StreamingResponse | None = None
        self._writer: ResponseWriter | None = None
        self._is_complete = False
        # A str and no exception, whose traceback would keep the app's frames and their resources alive.
        self._disconnect_reason = ""
        self._ended = Event()  # set when the response is complete, or nobody takes any more of it
        self._sends = 0  # calls of `send` that send a part of the body now, or wait for their turn
        self._turn = Lock()  # of the calls that wait, so that the end of the response is sent after all chunks

    async def run(self, app: "App") -> "dict[str, Any]":
        """Call the app. Returns the status and headers that it has sent."""
        failure = await self._call(app)
        try:
            if failure is not None:
                raise failure  # here, so that the group that contained it does not become its context
        finally:
            del failure  # its traceback refers to this frame
        if self._disconnect_reason:
            raise ClientGone(self._disconnect_reason)
        if self._response is None:
            raise HandlerError("the app returned without a response: it has sent no http.response.start")
        if not self._is_complete:
            raise HandlerError(
                "the app returned before its response was complete: no http.response.body without more_body was sent"
            )
        return {"statusCode": self._response.status_code, "headers": self._response.headers, "body": ""}

    async def _call(self, app: "App") -> "Exception | None":
        """Call the app. Returns the error to report; a group with one member, as task groups raise it, is unwrapped."""
        try:
            await app(self._scope, self.receive, self.send)
        except Exception as error:
            if self._disconnect_reason:
                raise ClientGone(self._disconnect_reason) from error
            if not self._is_complete or not self._is_collected():
                return sole_member(error)
            from logging import getLogger

            getLogger(__name__).exception("the app raised an error after its response was complete")
        finally:
            self._ended.set()
        return None

    async def receive(self) -> "Message":
        """Return the whole request body, and from the second call on http.disconnect, once nothing can be sent."""
        if self._body is not None and not self._ended.is_set():
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._ended.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: "Message") -> None:
        """Send one message of the app. When this returns, a chunk is sent: no other task must run for that."""
        if self._is_complete:
            raise StreamStateError(f"the app sent {message['type']!r} after its response was complete")
        if message["type"] != "http.response.body":
            self._start(message)
            return
        if self._response is None:
            raise StreamStateError("the app sent 'http.response.body' before 'http.response.start'")
        body, more = message.get("body", b""), message.get("more_body", False)
        self._sends += 1
        try:
            if self._sends > 1:
                async with self._turn:
                    await self._send_body(self._response, body, more=more)
            elif self._writer is not None and more and type(body) is bytes and not self._disconnect_reason:
                await self._writer.awrite(body)  # the common case
            else:
                await self._send_body(self._response, body, more=more)
        except ClientGone:
            raise
        except RuntimeApiError as failure:
            raise self._client_gone(failure) from failure
        finally:
            self._sends -= 1

    def _start(self, message: "Message") -> None:
        if message["type"] != "http.response.start":
            raise HandlerError(
                f"the app sent {message['type']!r}: it must be 'http.response.start' or 'http.response.body', as the"
                " scope offers no extensions"
            )
        if self._response is not None:
            raise StreamStateError("the app sent 'http.response.start' twice")
        self._response = _response(message)

    async def _send_body(self, response: StreamingResponse, body: bytes, *, more: bool) -> None:
        if isinstance(body, str):
            raise ChunkTypeError("the app sent an 'http.response.body' of str; it must be bytes: encode it")
        if self._disconnect_reason:
            raise ClientGone(self._disconnect_reason)
        if self._writer is None:
            assert self._invocation is not None  # noqa: S101 - `streaming` has made sure
            self._writer = self._invocation.open_writer(response)
            await self._writer.awrite(body)
        elif body:
            await self._writer.awrite(body)
        if not more:
            self._is_complete = True
            await self._writer.aclose()
            self._ended.set()

    def _client_gone(self, failure: RuntimeApiError) -> ClientGone:
        """Note that nobody takes any more of the response. Returns the error that says so."""
        self._disconnect_reason = f"the response was cut off: {failure}"
        self._ended.set()
        return ClientGone(self._disconnect_reason)

    def _is_collected(self) -> bool:
        """Return whether the response is collected for another runtime, where an error would replace it."""
        from ._response.collecting import CollectingInvocation

        return isinstance(self._invocation, CollectingInvocation)


def _response(message: "Message") -> StreamingResponse:
    """Return the response with status and headers, which are sent with the first part of the body."""
    if message.get("trailers"):
        raise HandlerError("the app announced trailers; the scope does not offer that extension: send none")
    headers: dict[str, list[str]] = {}
    cookies = []
    for name, value in message.get("headers", ()):
        if name.lower() == b"set-cookie":
            cookies.append(value.decode("latin-1"))
        else:
            headers.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    single = {name: values[0] for name, values in headers.items() if len(values) == 1}
    response = StreamingResponse((), message["status"], single, cookies)
    response.multi_value_headers = {name: values for name, values in headers.items() if len(values) > 1}
    return response
