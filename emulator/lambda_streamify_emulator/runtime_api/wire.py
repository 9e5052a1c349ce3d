"""HTTP/1.1 as the Runtime API speaks it, without any I/O: bytes to events, answers to bytes.

httptools tells chunks from each other and gives trailers, which web frameworks do not. What it leaves open is as in
Go's HTTP server, which AWS's daemon is built on (observed with AWS's Runtime Interface Emulator).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httptools

HEAD_LIMIT = 1024 * 1024 + 4096  # bytes: Go's http.DefaultMaxHeaderBytes, and what it adds to it
TRAILER_LIMIT = 4096  # bytes; over it Go's HTTP server gives up on the request
LINE_LIMIT = 2 * TRAILER_LIMIT  # bytes without any of the body: the line of a chunk or a trailer that does not end
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """What a call is answered with."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def plain_answer(status: int, text: str, **headers: str) -> Answer:
    """An answer that Go's HTTP server gives by itself."""
    return Answer(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8", **headers})


def error_answer(status: int, error_type: str, message: str) -> Answer:
    """An error as the Runtime API words it."""
    report = json.dumps({"errorMessage": message, "errorType": error_type}, separators=(",", ":"))
    return Answer(status, report.encode() + b"\n")


ACCEPTED = Answer(202, b'{"status":"OK"}\n')


@dataclass(frozen=True)
class Head:
    """A request begins. `target` is as it was sent; the names of `headers` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    version: str
    keep_alive: bool

    @property
    def awaits_continue(self) -> bool:
        """Whether the body comes only when the server has said that it wants it (RFC 9110, section 10.1.1)."""
        expected = self.headers.get("expect", "").lower() == "100-continue"
        return expected and self.version == "1.1" and self.has_body

    @property
    def has_body(self) -> bool:
        """Whether a body is announced."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    @property
    def problem(self) -> Answer | None:
        """What the server has against it, whatever it asks for."""
        if self.version == "1.1" and "host" not in self.headers:
            return plain_answer(400, "400 Bad Request: missing required Host header")
        if self.headers.get("expect", "100-continue").lower() != "100-continue":
            return Answer(417, headers={})
        return None


class Border:
    """A chunk of the body is complete, the empty one at its end too. A chunk may come in several pieces."""


BORDER = Border()


@dataclass(frozen=True)
class End:
    """A request is complete."""

    trailers: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """What comes cannot be read on; nothing follows. Without an answer the connection is to be reset."""

    message: str
    answer: Answer | None


Event = Head | bytes | Border | End | Fault


class RequestReader:
    """Reads one request after the other. With `borders` it tells where chunks end."""

    def __init__(self, *, borders: bool = False) -> None:
        if borders:
            self.on_chunk_complete = self._end_chunk
        self._parser: Any = httptools.HttpRequestParser(self)
        self._events: list[Event] = []
        self._in_body = False
        self._in_head = False
        self._resuming = b""
        self._faulty = False
        self._head_size = 0
        self._trailer_size = 0
        self._since_body = 0

    def feed(self, data: bytes) -> list[Event]:
        """What `data` brings: heads, pieces of bodies, ends, and at most one fault, which is the last of all."""
        if self._faulty:
            return []
        self._since_body += len(data)
        rest = data
        try:
            while rest:
                rest = self._feed(rest)
        except httptools.HttpParserError as error:
            message = f"not a request that the Runtime API understands: {error}"
            self._fail(message, plain_answer(400, "400 Bad Request"))
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT:
                answer = plain_answer(431, "431 Request Header Fields Too Large")
                self._fail(f"the head of a request is over {HEAD_LIMIT} bytes", answer)
        elif self._in_body and max(self._since_body - LINE_LIMIT, self._trailer_size - TRAILER_LIMIT) > 0:
            self._fail(f"the trailers are over {TRAILER_LIMIT} bytes: Lambda resets the connection, and so it is done")
        events, self._events = self._events, []
        fault = next((at for at, event in enumerate(events) if isinstance(event, Fault)), len(events))
        return events[: fault + 1]

    def _feed(self, data: bytes) -> bytes:
        """Have the parser read; returns what it has not."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Java's client asks for HTTP/2 in each request. Nobody has to grant it (RFC 9110, section 7.8). The parser
            # takes what follows the head for the other protocol, so another one reads on, told only what it needs.
            self._parser = httptools.HttpRequestParser(self)
            if self._resuming:
                self._parser.feed_data(self._resuming)
                self._resuming = b""
            return data[upgrade.args[0] :]
        return b""

    def _fail(self, message: str, answer: Answer | None = None) -> None:
        if not self._faulty:
            self._faulty = True
            self._events.append(Fault(message, answer))

    # --- callbacks of the parser: URL, fields and body may come in pieces --------------------------------------------

    def on_message_begin(self) -> None:
        if self._resuming:
            return
        self._target = b""
        self._headers: dict[str, str] = {}
        self._trailers: dict[str, str] = {}
        self._in_head = True
        self._head_size = 0
        self._trailer_size = 0

    def on_url(self, url: bytes) -> None:
        if not self._resuming:
            self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._resuming:
            return
        field_name, text = name.decode("latin-1").lower(), value.decode("latin-1").rstrip(" \t")  # llhttp leaves it on
        if self._in_head:
            # Two fields of one name are one list (RFC 9110, section 5.3): Trailer may come so.
            before = self._headers.get(field_name)
            self._headers[field_name] = text if before is None else f"{before},{text}"
        else:
            self._trailer_size += len(name) + len(value) + 4
            if self._trailer_size <= TRAILER_LIMIT:
                self._trailers[field_name] = text

    def on_headers_complete(self) -> None:
        if self._resuming:
            return
        self._in_head, self._in_body = False, True
        self._since_body = 0
        method, version = self._parser.get_method().decode("ascii"), self._parser.get_http_version()
        target, keep_alive = self._target.decode("latin-1"), self._parser.should_keep_alive()
        head = Head(method, target, self._headers, version, keep_alive)
        self._events.append(head)
        if self._parser.should_upgrade() and head.has_body:
            self._resuming = _length_of(head)

    def on_body(self, data: bytes) -> None:
        self._since_body = 0
        self._events.append(data)

    def _end_chunk(self) -> None:
        self._events.append(BORDER)

    def on_message_complete(self) -> None:
        if self._resuming:
            return
        self._in_body = False
        if self._trailer_size > TRAILER_LIMIT:
            self._fail(f"the trailers are over {TRAILER_LIMIT} bytes: Lambda resets the connection, and so it is done")
        else:
            self._events.append(End(self._trailers))


def _length_of(head: Head) -> bytes:
    """A head that says how long the body is, and no more."""
    name = "transfer-encoding" if "transfer-encoding" in head.headers else "content-length"
    return f"POST / HTTP/1.1\r\n{name}: {head.headers[name]}\r\n\r\n".encode("latin-1")


def render(answer: Answer, *, version: str = "1.1", keep_alive: bool = True) -> bytes:
    """The answer's bytes, to a request of this version; without `keep_alive` it announces the connection's end."""
    fields = dict(answer.headers)
    fields["Content-Length"] = str(len(answer.body))
    if not keep_alive:
        fields["Connection"] = "close"
    elif version == "1.0":
        fields["Connection"] = "keep-alive"
    # As Go writes them: UTF-8, and a line break becomes a space.
    lines = "".join(f"{name}: {value.translate(_ONE_LINE)}\r\n" for name, value in fields.items())
    reason = HTTPStatus(answer.status).phrase
    return f"HTTP/{version} {answer.status} {reason}\r\n{lines}\r\n".encode("utf-8", "replace") + answer.body


_ONE_LINE = {ord("\r"): " ", ord("\n"): " "}
