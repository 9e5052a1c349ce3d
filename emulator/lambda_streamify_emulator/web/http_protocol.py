"""Extends uvicorn's HTTP connections.

It adds responses to HTTP/1.0 clients, and to clients that close their side after the request. It ends responses whose
client is gone. It reads the bodies of requests that ask for another protocol, as Java's HttpClient and `curl --http2`
do at first. It limits the size of what a client sends, and the time in which the client sends nothing.

The class uses internal objects of uvicorn: `parser`, `flow`, `pipeline`, and `cycle`, a request with its response.
"""

import asyncio
import socket
from collections import deque
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .asgi import HALF_CLOSED, App, Receive, Scope, Send, respond_unread

HEAD_LIMIT_BYTES = 64 * 1024
TOO_LARGE = f"Request header fields must be smaller than {HEAD_LIMIT_BYTES} bytes"
PIPELINE_LIMIT = 100  # queued requests; more are read only if they arrive in the same data
# For a whole head, and between two pieces of a body: nginx's client_header_timeout and client_body_timeout.
CLIENT_TIMEOUT_S = 60.0
# A client that has closed its side may wait for its response, or be gone. If it is gone, its kernel answers sent data
# with a reset, and keepalive probes (tcp(7)) too after a minute (tcp_fin_timeout).
KEEPALIVE_OPTIONS = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}  # seconds, seconds, probes


class HttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)  # type: ignore[arg-type]
        self.parser = _Parser(self)
        self._unanswered: deque[RequestResponseCycle] = deque()  # the current one, and the queued ones
        self._head_size = 0  # bytes in the complete parts of the head
        self._unparsed = 0  # at least so many bytes have arrived since the parser completed a part
        self._refused = False  # further data is discarded
        self._half_closed = False  # the client has stopped sending
        self._timeout: asyncio.TimerHandle | None = None

    # --- called by asyncio -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Set up a new connection."""
        super().connection_made(transport)
        self.flow = _Flow(transport, self.pipeline)
        self._set_client_timeout()

    def data_received(self, data: bytes) -> None:
        """Parse the next bytes."""
        if self._refused:
            self.cycle.message_event.set()
            return
        self._unparsed += len(data)
        super().data_received(data)
        if self._unparsed > HEAD_LIMIT_BYTES and not self._refused:
            self._refuse(431, TOO_LARGE)
        self._set_client_timeout()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's closes the connection
        """Handle a client that stops sending; return whether the connection stays open.

        A client that stops sending after its request still gets its response, but not over TLS: asyncio ends both ways.
        One that stops sending within a response counts as gone: TCP shows so that browsers and curl have disconnected.
        """
        self._half_closed = True
        if self.transport.get_extra_info("sslcontext") or not self._unanswered or self._unanswered[-1].more_body:
            return False
        if len(self._unanswered) == 1 and self._unanswered[0].response_started:
            return False
        for cycle in self._unanswered:
            cycle.message_event.set()  # the application need not wait for more of the body
            if not cycle.response_started:
                cast("Scope", cycle.scope)[HALF_CLOSED] = True
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in KEEPALIVE_OPTIONS.items():
            if hasattr(socket, name):  # macOS lacks TCP_KEEPIDLE
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._check_client()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the disconnect to all requests. uvicorn reports it only to the last of several pipelined ones."""
        if self._timeout is not None:
            self._timeout.cancel()
        for cycle in self._unanswered:
            cycle.disconnected = True
            cycle.message_event.set()
        super().connection_lost(exc)

    # --- called by the parser ----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._unparsed = self._head_size = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Handle a piece of the URL."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle a header or a trailer."""
        self._count(len(name) + len(value) + len(": \r\n"))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Handle the end of the head."""
        self._unparsed = 0
        super().on_headers_complete()
        if self.scope["http_version"] == "1.0":
            # HTTP/1.0 has no chunks (RFC 9112, section 6.1): the end of the connection ends the body.
            self.cycle.chunked_encoding = False
            self.cycle.expected_content_length = _Unknown()
        self._forget_answered()
        self._unanswered.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Handle a piece of the body."""
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Handle the end of a request, or of its head if it asks for another protocol: then its body still follows."""
        self._unparsed = 0
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def ignore_upgrade(self) -> "_Parser":
        """Continue with HTTP/1.1 although the client asks for another protocol, as RFC 9110, section 7.8, allows.

        Returns a new parser for the rest of the request and the following ones.
        """
        framing = [
            b"%b: %b\r\n" % (name, value)
            for name, value in self.headers
            if name in (b"content-length", b"transfer-encoding")
        ]
        self.parser = parser = _Parser(_Body(self))
        parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))
        return parser

    def _count(self, size: int) -> None:
        self._unparsed = 0
        self._head_size += size
        if self._head_size > HEAD_LIMIT_BYTES:
            raise _TooLarge

    # --- called by uvicorn -------------------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """Handle the end of a response."""
        super().on_response_complete()
        self._forget_answered()
        if self._half_closed and not self._unanswered:
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Refuse a request that the parser rejects."""
        if self._head_size > HEAD_LIMIT_BYTES:
            self._refuse(431, TOO_LARGE)
        else:
            self._refuse(400, msg)

    # --- limits ------------------------------------------------------------------------------------------------------

    def _forget_answered(self) -> None:
        while self._unanswered and self._unanswered[0].response_complete:
            self._unanswered.popleft()

    def _refuse(self, status: int, message: str) -> None:
        """Answer an invalid request after the requests before it, and ignore everything that follows."""
        self._refused = True
        if self._unanswered and (broken := self._unanswered[-1]).more_body:  # its rest is lost
            broken.disconnected = True
            broken.message_event.set()
            if len(self._unanswered) > 1 or broken.response_started:
                self.transport.close()
                return
            self._unanswered.clear()
            self.cycle = None  # type: ignore[assignment]  # as before the first request
        self.app = _refusal(status, message)
        self.parser = _Parser(self)
        # A stand-in for the invalid request: its body does not end.
        self.parser.feed_data(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")

    def _set_client_timeout(self) -> None:
        """Start the timer for the client's next data if the rest of a request or a new one is expected."""
        if self._timeout is not None and self._unanswered:
            self._timeout.cancel()
            self._timeout = None
        if self._timeout is None and (not self._unanswered or self._unanswered[-1].more_body):
            self._timeout = self.loop.call_later(CLIENT_TIMEOUT_S, self._time_out)

    def _check_client(self) -> None:
        """Check at intervals whether a client that has stopped sending is gone: asyncio does not detect that."""
        if self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.transport.abort()
        else:
            self._timeout = self.loop.call_later(CLIENT_TIMEOUT_S, self._check_client)

    def _time_out(self) -> None:
        self._timeout = None
        if self.flow.read_paused:  # the application is slow, not the client
            self._set_client_timeout()
        else:
            self.transport.close()


def _refusal(status: int, message: str) -> App:
    async def app(_: Scope, receive: Receive, send: Send) -> None:
        headers = [("content-type", "text/plain; charset=utf-8")]
        await respond_unread(receive, send, status, headers, message.encode())

    return app


class _TooLarge(Exception):
    """A head exceeds the limit."""


class _Flow(FlowControl):
    """Stops reading while many requests are queued. While few are, it reads, and so detects that the client is gone."""

    def __init__(self, transport: asyncio.Transport, pipeline: deque[Any]) -> None:
        super().__init__(transport)
        self._pipeline = pipeline

    def resume_reading(self) -> None:
        """Continue reading unless too many requests are queued."""
        if len(self._pipeline) <= PIPELINE_LIMIT:
            super().resume_reading()


class _Parser(httptools.HttpRequestParser):
    """A parser that continues after a request that asks for another protocol."""

    def __init__(self, protocol: "HttpProtocol | _Body") -> None:
        super().__init__(protocol)
        self.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        self._protocol = protocol

    def feed_data(self, data: bytes | memoryview) -> None:  # type: ignore[override]  # asyncio has no other
        """Parse the next bytes."""
        parser, rest = self, memoryview(data)
        while (end := parser.take(rest)) is not None:  # a request asks for another protocol
            parser, rest = parser._protocol.ignore_upgrade(), rest[end:]

    def take(self, data: memoryview) -> int | None:
        """Parse up to a request that asks for another protocol; return where its head ends, None if there is none."""
        try:
            super().feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return int(upgrade.args[0])
        return None


class _Body:
    """Passes on the body of a request whose head is already known, and all following requests."""

    def __init__(self, protocol: HttpProtocol) -> None:
        self._protocol = protocol
        self._first = True
        self.ignore_upgrade = protocol.ignore_upgrade
        self.on_body = protocol.on_body

    def on_message_begin(self) -> None:
        if not self._first:
            self._protocol.on_message_begin()

    def on_url(self, url: bytes) -> None:
        if not self._first:
            self._protocol.on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._first:
            self._protocol.on_header(name, value)

    def on_headers_complete(self) -> None:
        if not self._first:
            self._protocol.on_headers_complete()

    def on_message_complete(self) -> None:
        self._protocol.on_message_complete()
        self._first = False


class _Unknown(int):
    """An unknown length of a body: no body is longer, and subtracting from it gives an unknown length again."""

    def __lt__(self, _: object) -> bool:
        return False

    def __sub__(self, _: int) -> "_Unknown":
        return self
