"""HTTP/1.1 for the Runtime API, without I/O: it converts bytes to events, and answers to bytes.

httptools reports the ends of chunks and the trailers, which web frameworks do not. What httptools leaves open follows
Go's HTTP server, which AWS's daemon is built on (observed with AWS's Runtime Interface Emulator).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httptools

HEAD_LIMIT_BYTES = 1024 * 1024 + 4096  # Go's http.DefaultMaxHeaderBytes, and what Go adds to it
TRAILER_LIMIT_BYTES = 4096  # Go's HTTP server aborts a request with larger trailers
LINE_LIMIT_BYTES = 2 * TRAILER_LIMIT_BYTES  # of a chunk's size line, or of a trailer, that does not end
TRAILERS_TOO_LARGE = f"the trailers are over {TRAILER_LIMIT_BYTES} bytes: the connection is reset, as on Lambda"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """The answer to a call."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


def plain_answer(status: int, text: str, **headers: str) -> Answer:
    """Return an answer as Go's HTTP server itself gives it."""
    return Answer(status, text.encode(), {"Content-Type": "text/plain; charset=utf-8", **headers})


def error_answer(status: int, error_type: str, message: str) -> Answer:
    """Return an error in the format of the Runtime API."""
    report = json.dumps({"errorMessage": message, "errorType": error_type}, separators=(",", ":"))
    return Answer(status, report.encode() + b"\n")


def method_not_allowed(allowed: str) -> Answer:
    """Return the refusal of a request with another method than `allowed`."""
    return Answer(405, headers={"Allow": allowed})


ACCEPTED = Answer(202, b'{"status":"OK"}\n')


@dataclass(frozen=True)
class Head:
    """The head of a request. `target` is as the client sent it; the names of `headers` are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    version: str
    keep_alive: bool

    @property
    def awaits_continue(self) -> bool:
        """Whether the client waits for "100 Continue" before it sends the body (RFC 9110, section 10.1.1)."""
        expected = self.headers.get("expect", "").lower() == "100-continue"
        return expected and self.version == "1.1" and self.has_body

    @property
    def has_body(self) -> bool:
        """Whether the headers announce a body."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    @property
    def problem(self) -> Answer | None:
        """The answer to a request that is refused whatever its target is; None if it is not."""
        if self.version == "1.1" and "host" not in self.headers:
            return plain_answer(400, "400 Bad Request: missing required Host header")
        if self.headers.get("expect", "100-continue").lower() != "100-continue":
            return Answer(417, headers={})
        return None


class ChunkEnd:
    """The end of a chunk of the body, also of the last, empty one. A chunk may arrive in several pieces."""


CHUNK_END = ChunkEnd()


@dataclass(frozen=True)
class End:
    """The end of a request."""

    trailers: Mapping[str, str]


@dataclass(frozen=True)
class Fault:
    """An error after which nothing can be read. The connection is reset if there is no answer."""

    message: str
    answer: Answer | None


Event = Head | bytes | ChunkEnd | End | Fault


class RequestReader:
    """Parses one request after another. With `chunk_ends` it also reports the end of each chunk."""

    def __init__(self, *, chunk_ends: bool = False) -> None:
        if chunk_ends:
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
        """Parse `data`; return heads, pieces of bodies, ends, and at most one fault, which is the last event."""
        if self._faulty:
            return []
        self._since_body += len(data)
        rest = data
        try:
            while rest:
                rest = self._feed(rest)
        except httptools.HttpParserError as error:
            message = f"a request to the Runtime API is not valid HTTP/1.1: {error}"
            self._fail(message, plain_answer(400, "400 Bad Request"))
        if self._in_head:
            self._head_size += len(data)
            if self._head_size > HEAD_LIMIT_BYTES:
                answer = plain_answer(431, "431 Request Header Fields Too Large")
                self._fail(f"the head of a request is over {HEAD_LIMIT_BYTES} bytes", answer)
        elif self._in_body and max(self._since_body - LINE_LIMIT_BYTES, self._trailer_size - TRAILER_LIMIT_BYTES) > 0:
            self._fail(TRAILERS_TOO_LARGE)
        events, self._events = self._events, []
        fault = next((at for at, event in enumerate(events) if isinstance(event, Fault)), len(events))
        return events[: fault + 1]

    def _feed(self, data: bytes) -> bytes:
        """Pass `data` to the parser; return the rest that it has not read."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            # Java's client asks for HTTP/2 in each request; a server may ignore it (RFC 9110, section 7.8). The parser
            # takes the rest for the other protocol, so a new parser continues, with only the headers that it needs.
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

    # --- callbacks of the parser: URL, fields and body may arrive in pieces ------------------------------------------

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
        field_name, text = name.decode("latin-1").lower(), value.decode("latin-1").rstrip(" \t")  # llhttp keeps it
        if self._in_head:
            # Fields of the same name form one list (RFC 9110, section 5.3): Trailer may be repeated.
            before = self._headers.get(field_name)
            self._headers[field_name] = text if before is None else f"{before},{text}"
        else:
            self._trailer_size += len(name) + len(value) + 4
            if self._trailer_size <= TRAILER_LIMIT_BYTES:
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
        self._events.append(CHUNK_END)

    def on_message_complete(self) -> None:
        if self._resuming:
            return
        self._in_body = False
        if self._trailer_size > TRAILER_LIMIT_BYTES:
            self._fail(TRAILERS_TOO_LARGE)
        else:
            self._events.append(End(self._trailers))


def _length_of(head: Head) -> bytes:
    """Return a head with the length of the body and nothing else."""
    name = "transfer-encoding" if "transfer-encoding" in head.headers else "content-length"
    return f"POST / HTTP/1.1\r\n{name}: {head.headers[name]}\r\n\r\n".encode("latin-1")


def render(answer: Answer, *, version: str = "1.1", keep_alive: bool = True) -> bytes:
    """Return the bytes of the answer to a request of this version; without `keep_alive` the connection closes."""
    fields = dict(answer.headers)
    fields["Content-Length"] = str(len(answer.body))
    if not keep_alive:
        fields["Connection"] = "close"
    elif version == "1.0":
        fields["Connection"] = "keep-alive"
    # As Go writes headers: in UTF-8, with line breaks replaced by spaces.
    lines = "".join(f"{name}: {value.translate(_ONE_LINE)}\r\n" for name, value in fields.items())
    reason = HTTPStatus(answer.status).phrase
    return f"HTTP/{version} {answer.status} {reason}\r\n{lines}\r\n".encode("utf-8", "replace") + answer.body


_ONE_LINE = {ord("\r"): " ", ord("\n"): " "}
