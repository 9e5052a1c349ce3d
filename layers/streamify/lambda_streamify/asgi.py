"""ASGI apps in process: `lambda_handler = asgi.handler(app)`.

Source: ASGI specification 3.0, "HTTP & WebSocket ASGI Message Format", spec version 2.4: by that one, `send`
raises an OSError when the client has gone.
"""

from asyncio import Event, Lock

from . import current
from .errors import ChunkTypeError, ConnectionLost, HandlerError, RuntimeApiError, StreamStateError
from .http_event import HttpEvent
from .inline import streaming
from .lifespan import AUTO, MODES, OFF, Lifespan
from .response import StreamingResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .lifespan import App, Message
    from .writer import ResponseWriter


def handler(app: "App", *, lifespan: str = AUTO, base_path: "str | None" = None) -> "Callable[[Any, Any], Any]":
    """A Lambda handler that answers HTTP requests with `app`, and streams what it sends.

    Call it at the top of a module: the app then starts before the first invocation. With `lifespan` "auto" an app that
    knows no lifespan is run without it; with "on" that is an error; with "off" it is not asked.

    `base_path` is the beginning of the client's path that the app does not route by, such as "/v1" of a custom domain's
    mapping: it becomes `root_path` in the scope. By default that is the stage, if the client's path has one.

    Raises HandlerError if the app is none, or `lifespan` has another value.
    """
    if not callable(app):
        raise HandlerError(f"the app is a {type(app).__name__}; it must be an ASGI application, which can be called")
    if lifespan not in MODES:
        raise HandlerError(f"lifespan is {lifespan!r}; it must be one of {', '.join(MODES)}")
    kept = Lifespan(app, lifespan)
    if lifespan != OFF:
        current.startup.append(kept.start)
        current.shutdown.append(kept.stop)

    @streaming
    async def answer(event: "Any", context: "Any") -> "dict[str, Any]":
        request = HttpEvent(event, base_path)
        if lifespan == OFF or kept.started:
            return await _Exchange(_scope(request, kept.state, event, context), request.body).run(app)
        # No runtime of ours has started it. What it opens belongs to an event loop, which may last for this call only.
        own = Lifespan(app, lifespan)
        await own.start()
        try:
            return await _Exchange(_scope(request, own.state, event, context), request.body).run(app)
        finally:
            await own.stop()

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
    """A write failed: nobody takes any more of the response."""


class _Exchange:
    """One request and its response, from the app's side."""

    def __init__(self, scope: "dict[str, Any]", body: bytes) -> None:
        self._scope = scope
        self._body: bytes | None = body
        self._invocation = current.running.get()  # now: whatever task the app sends from
        self._response: StreamingResponse | None = None
        self._writer: ResponseWriter | None = None
        self._complete = False
        # Why nobody takes any more. Not as an exception: that would keep the app's frames, and what they hold open.
        self._gone = ""
        self._over = Event()  # the response is complete, or nobody takes it any more
        self._sending = Lock()  # what ends a response may not come in the midst of a chunk

    async def run(self, app: "App") -> "dict[str, Any]":
        """Call the app; returns the status and headers that it has sent."""
        try:
            await app(self._scope, self.receive, self.send)
        except Exception as error:
            if self._gone:
                raise ClientGone(self._gone) from error
            if not self._complete or not self._is_outside():
                raise
            from logging import getLogger

            getLogger(__name__).exception("the app has answered, and then raised an error")
        finally:
            self._over.set()
        if self._gone:
            raise ClientGone(self._gone)
        if self._response is None:
            raise HandlerError("the app returned without a response: it has sent no http.response.start")
        if not self._complete:
            raise HandlerError(
                "the app returned before its response was complete: no http.response.body without more_body was sent"
            )
        return {"statusCode": self._response.status_code, "headers": self._response.headers, "body": ""}

    async def receive(self) -> "Message":
        """The whole request body, once; then, when nothing more can be sent, http.disconnect."""
        if self._body is not None and not self._over.is_set():
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: "Message") -> None:
        """Take one message. A chunk is on its way when this returns: no other task has to run for that."""
        kind = message["type"]
        if self._complete:
            raise StreamStateError(f"the app sent {kind!r} after its response was complete")
        if kind == "http.response.start":
            if self._response is not None:
                raise StreamStateError("the app sent 'http.response.start' twice")
            self._response = _response(message)
        elif kind == "http.response.body":
            if self._response is None:
                raise StreamStateError("the app sent 'http.response.body' before 'http.response.start'")
            async with self._sending:
                await self._send_body(self._response, message.get("body", b""), more=message.get("more_body", False))
        else:
            raise HandlerError(
                f"the app sent {kind!r}: it must be 'http.response.start' or 'http.response.body', as the scope offers"
                " no extensions"
            )

    async def _send_body(self, response: StreamingResponse, body: bytes, *, more: bool) -> None:
        if isinstance(body, str):
            raise ChunkTypeError("the app sent an 'http.response.body' of str; it must be bytes: encode it")
        if self._gone:
            raise ClientGone(self._gone)
        try:
            if self._writer is None:
                assert self._invocation is not None  # noqa: S101 - `streaming` has made sure
                self._writer = self._invocation.open_writer(response)
                await self._writer.awrite(body)
            elif body:
                await self._writer.awrite(body)
            if not more:
                self._complete = True
                self._writer.close()
                self._over.set()
        except RuntimeApiError as failure:
            self._gone = f"the response was cut off: {failure}"
            self._over.set()
            raise ClientGone(self._gone) from failure

    def _is_outside(self) -> bool:
        """Whether the response is gathered for another runtime, for which an error would be all of it."""
        from .outside import Gathering

        return isinstance(self._invocation, Gathering)


def _response(message: "Message") -> StreamingResponse:
    """Status and headers; they leave with the first part of the body."""
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
