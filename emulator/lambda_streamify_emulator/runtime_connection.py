"""One connection of a runtime to the Runtime API: HTTP/1.1, read by httptools, one request after the other.

httptools tells chunks from each other and gives trailers, which web frameworks do not.
"""

import asyncio
import json
from typing import Any, Protocol

import httptools

HEAD_LIMIT = 1024 * 1024 + 64 * 1024  # an X-Ray cause may take up to 1 MiB of a request's head
TRAILER_LIMIT = 4096  # bytes; over it Go's HTTP server, which Lambda's daemon is built on, resets the connection
LINE_LIMIT = 2 * TRAILER_LIMIT  # bytes without any of the body: the line of a chunk or a trailer that does not end

Answer = tuple[int, bytes]
ACCEPTED: Answer = (202, b'{"status":"OK"}\n')
_REASONS = {200: "OK", 202: "Accepted", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 413: "Too Large"}


def error_answer(status: int, error_type: str, message: str) -> Answer:
    """An error as the Runtime API words it."""
    return status, json.dumps({"errorMessage": message, "errorType": error_type}).encode() + b"\n"


class Endpoints(Protocol):
    """What a connection needs from the Runtime API."""

    def connected(self, connection: "RuntimeConnection") -> None:
        """A connection is open."""

    def disconnected(self, connection: "RuntimeConnection") -> None:
        """A connection is closed."""

    def open(self, connection: "RuntimeConnection", method: str, path: str, headers: dict[str, str]) -> "Call":
        """The call that a request with this head makes."""

    def warn(self, text: str) -> None:
        """Tell the runtime's author something."""


class Call:
    """One call while its request is read. `full` is the channel that should be waited for, if any."""

    def body(self, data: bytes) -> None:
        """The next bytes of the request's body."""

    def done(self, trailers: dict[str, str]) -> Answer | None:
        """The request is complete; returns the answer, or None if it comes later."""
        raise NotImplementedError

    def pause(self, transport: asyncio.Transport) -> None:
        """Stop reading from `transport` while nobody takes what was read."""


class RuntimeConnection(asyncio.Protocol):
    """One connection of the runtime: HTTP/1.1, read by httptools, one request after the other."""

    def __init__(self, api: "Endpoints") -> None:
        self._api = api
        self._parser: Any = httptools.HttpRequestParser(self)
        self._call: Call | None = None
        self._in_head = False
        self._head_size = 0
        self._trailer_size = 0
        self._since_body = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._api.connected(self)

    def connection_lost(self, _: Exception | None) -> None:
        self._api.disconnected(self)

    def data_received(self, data: bytes) -> None:
        self._since_body += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._refuse("not a request that the Runtime API understands: Upgrade")
            return
        except httptools.HttpParserError as error:
            self._refuse(f"not a request that the Runtime API understands: {error}")
            return
        if self._call is not None:
            self._call.pause(self._transport)
            if self._since_body > LINE_LIMIT:
                self._reset()
        elif self._in_head:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                self._refuse(f"the head of a request is over {HEAD_LIMIT} bytes")

    def abort(self) -> None:
        """Drop the connection."""
        self._transport.abort()

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Send a response."""
        fields = {"Content-Type": "application/json", **(headers or {}), "Content-Length": str(len(body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._transport.write(f"HTTP/1.1 {status} {_REASONS[status]}\r\n{lines}\r\n".encode("latin-1") + body)

    def _reset(self) -> None:
        if not self._transport.is_closing():
            text = f"the trailers are over {TRAILER_LIMIT} bytes: Lambda resets the connection, and so it is done"
            self._api.warn(text)
            self.abort()

    def _refuse(self, message: str) -> None:
        self._api.warn(message)
        self.answer(*error_answer(400, "InvalidRequest", message))
        self._transport.close()

    # --- callbacks of the parser: URL, fields and body may come in pieces --------------------------------------------

    def on_message_begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._trailers: dict[str, str] = {}
        self._in_head = True
        self._head_size = 0
        self._trailer_size = 0

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        field, text = name.decode("latin-1").lower(), value.decode("latin-1").rstrip(" \t")  # llhttp leaves it on
        if self._call is None:
            # Two fields of one name are one list (RFC 9110, section 5.3): Trailer may come so.
            self._headers[field] = f"{self._headers[field]},{text}" if field in self._headers else text
            return
        self._trailer_size += len(name) + len(value) + 4
        self._trailers[field] = text
        if self._trailer_size > TRAILER_LIMIT:
            self._reset()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._since_body = 0
        method = self._parser.get_method().decode("ascii")
        self._call = self._api.open(self, method, self._url.decode("latin-1"), self._headers)

    def on_body(self, data: bytes) -> None:
        self._since_body = 0
        if self._call is not None:
            self._call.body(data)

    def on_message_complete(self) -> None:
        call, self._call = self._call, None
        if call is None or self._transport.is_closing():
            return
        answer = call.done(self._trailers)
        if answer is not None:
            self.answer(*answer)
