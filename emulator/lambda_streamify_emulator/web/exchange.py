"""A request to a front end with its response, as the client sees them, and the wrapper that observes it.

The server's protocol errors, such as a malformed request, reach no application, so they are not observed. A response
counts as complete when its last byte is handed to the server; the client may not have read it yet.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .request import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .asgi import App, Message, Receive, Scope, Send

COMPLETE, LEFT, CUT = "complete", "client left", "cut"
"""How an exchange ended. It is cut if the emulator closed the connection within the response."""
BODY_LIMIT_BYTES = 64 * 1024  # of a request's body, kept for display
_EXCHANGE = "streamify.exchange"  # its key in the scope

Headers = list[tuple[str, str]]


class Exchange:
    """One request and its response. Times are in microseconds since the request began."""

    def __init__(
        self,
        scope: Scope,
        front_end: App,
        *,
        function: str | None,
        api: str | None,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        self.front_end = front_end
        """The application that answers, in case that the request is to be repeated."""
        self.began = wall_clock()
        """In seconds since the epoch."""
        self.request = Request.from_scope(scope, b"")
        """Without its body."""
        self.body = b""
        """The beginning of the request's body, BODY_LIMIT_BYTES at most."""
        self.body_size = 0
        self.function = function
        """The name of the function; None if the request has reached none."""
        self.api = api
        """The logical id of the API; None for a function URL."""
        self.request_id: str | None = None
        self.reason: str | None = None
        """Why the front end answered without the function; None if it did not."""
        self.status: int | None = None
        self.response_headers: Headers = []
        self.first_byte: int | None = None
        """When the head of the response was sent."""
        self.chunks = self.bytes = 0
        self.ending: str | None = None
        """COMPLETE, LEFT or CUT; None while the exchange runs."""
        self.duration: int | None = None
        self._clock = clock
        self._start = clock()
        self._expected: int | None = None  # bytes of the body, as Content-Length says

    @property
    def target(self) -> str:
        """The path with the query, as the client sent them."""
        return f"{self.request.path}?{self.request.query}" if self.request.query else self.request.path

    @property
    def is_body_kept(self) -> bool:
        """Whether `body` is the whole body."""
        return len(self.body) == self.body_size

    def elapsed(self) -> int:
        """Return the duration so far, or the final one."""
        return self._since_start() if self.duration is None else self.duration

    def receive(self, message: Message) -> None:
        """Note a message from the client."""
        if message["type"] == "http.disconnect":
            self.end(LEFT)
            return
        piece = message.get("body", b"")
        self.body_size += len(piece)
        self.body += piece[: max(0, BODY_LIMIT_BYTES - len(self.body))]

    def send(self, message: Message) -> None:
        """Note a message to the client, which has been handed to the server."""
        if self.ending is not None:
            return
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.response_headers = _decoded(message["headers"])
            length = next((value for name, value in self.response_headers if name == "content-length"), "")
            self._expected = int(length) if length.isdecimal() else None
            self.first_byte = self._since_start()
            return
        size = 0 if self.request.method == "HEAD" else len(message.get("body", b""))
        self.chunks += size > 0
        self.bytes += size
        if not message.get("more_body", False) or self.bytes == self._expected:
            self.end(COMPLETE)

    def end(self, ending: str) -> None:
        """Note how the exchange ended; only the first call counts."""
        if self.ending is None:
            self.ending, self.duration = ending, self._since_start()

    def _since_start(self) -> int:
        return int((self._clock() - self._start) * 1_000_000)


class ExchangeWatch:
    """Wraps an ASGI application; calls `watchers` with each request's exchange at its begin and after each change.

    A watcher must be quick and must not raise, because it delays the response. `function` and `api` name what the
    application serves, as far as this is known before the request.
    """

    def __init__(
        self,
        app: App,
        watchers: Sequence[Callable[[Exchange], None]],
        *,
        function: str | None = None,
        api: str | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._app = app
        self._watchers = watchers
        self._function = function
        self._api = api
        self._clock = clock
        self._wall_clock = wall_clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on. A WebSocket connection is no exchange of a request and a response."""
        if scope["type"] == "websocket":
            await self._app(scope, receive, send)
            return
        exchange = Exchange(
            scope, self, function=self._function, api=self._api, clock=self._clock, wall_clock=self._wall_clock
        )
        scope[_EXCHANGE] = (exchange, self._changed)

        async def receive_noting() -> Message:
            message = await receive()
            if exchange.ending is None:
                exchange.receive(message)
                self._changed(exchange)
            return message

        async def send_noting(message: Message) -> None:
            await send(message)
            if exchange.ending is None:
                exchange.send(message)
                self._changed(exchange)

        self._changed(exchange)
        try:
            await self._app(scope, receive_noting, send_noting)
        except Exception:
            exchange.status = exchange.status or 500  # uvicorn's response if the application has sent none
            raise
        finally:
            if exchange.ending is None:
                exchange.end(CUT)
                self._changed(exchange)

    def _changed(self, exchange: Exchange) -> None:
        for watcher in self._watchers:
            watcher(exchange)


def note(
    scope: Scope, *, function: str | None = None, request_id: str | None = None, reason: str | None = None
) -> None:
    """Tell those who watch the request what the front end knows about it. Without an ExchangeWatch, do nothing."""
    if _EXCHANGE in scope:
        exchange, changed = scope[_EXCHANGE]
        if exchange.ending is None:
            exchange.function = function or exchange.function
            exchange.request_id = request_id or exchange.request_id
            exchange.reason = reason or exchange.reason
            changed(exchange)


def note_left(scope: Scope) -> None:
    """Tell those who watch the request that its client has left: for a client without a connection."""
    if _EXCHANGE in scope:
        exchange, changed = scope[_EXCHANGE]
        if exchange.ending is None:
            exchange.end(LEFT)
            changed(exchange)


def _decoded(pairs: Sequence[tuple[bytes, bytes]]) -> Headers:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
