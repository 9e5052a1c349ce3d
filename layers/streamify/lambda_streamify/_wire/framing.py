"""HTTP/1.1 framing for the Runtime API, without any I/O.

Sources: RFC 9112 for HTTP/1.1 framing; the AWS Lambda Developer Guide, "Using the Lambda runtime API" and "Building a
custom runtime: response streaming", for the headers, the prelude and the error trailers.
"""

from binascii import b2a_base64

from .._core import fast_json
from ..errors import ConnectionLost, ResponseError, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    ErrorReport = Mapping[str, Any]

# --- request heads ---------------------------------------------------------------------------------------------------

STREAMING_HEADERS = (
    ("Lambda-Runtime-Function-Response-Mode", "streaming"),  # lower case: AWS's emulator compares case-sensitively
    ("Transfer-Encoding", "chunked"),
    ("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),  # else Lambda drops them
)
PRELUDE_CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"


def request_head(method: str, path: str, headers: "Iterable[tuple[str, str]]") -> bytes:
    """Return the request line and the header fields, with the empty line that ends them."""
    return head(method, path, fields(headers))


def fields(headers: "Iterable[tuple[str, str]]") -> str:
    """Return the header fields, one per line."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def head(method: str, path: str, lines: str) -> bytes:
    """Return the same as `request_head`, given the lines that `fields` returned."""
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


# --- the body of a streamed response ---------------------------------------------------------------------------------

# The states of a streamed response and the events allowed in each. Any other event is a StreamStateError.
TRANSITIONS = {
    "pending": {"head": "open"},
    "open": {"chunk": "open", "end": "done", "trailers": "failed"},
    "done": {},
    "failed": {},
}


def advance(state: str, event: str) -> str:
    """Return the state that follows `state` after `event`, as `TRANSITIONS` lists them."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise StreamStateError(f"a response stream that is {state} does not allow {event}") from None


CRLF = b"\r\n"
LAST_CHUNK = b"0\r\n\r\n"
SMALL_CHUNK = b"%x\r\n%b\r\n"  # with the length of a chunk and its bytes; a chunk of length zero would end the body

# A chunk up to this size is copied into one frame. The three parts of a larger one are sent without a copy, because the
# copy costs more than a gathered write (measured: equal at 1 KB, the gathered write is 1.6 times cheaper at 16 KB).
COPY_LIMIT_BYTES = 4096


def large_chunk(data: bytes) -> "tuple[bytes, bytes, bytes]":
    """Return a chunk as the buffers of a gathered write. `data` itself is one of them, so nothing is copied."""
    return b"%x\r\n" % len(data), data, CRLF


PRELUDE_END = bytes(8)
# API Gateway looks for the end of the prelude in the first 16 KB of a stream (API Gateway Developer Guide, "Response
# transfer mode"). Function URLs document no limit, so this one applies to both.
PRELUDE_LIMIT_BYTES = 16 * 1024

_compact_json = fast_json.writer(separators=(",", ":"))


def prelude(fields: "Mapping[str, Any]") -> bytes:
    """Return status, headers and cookies as the JSON object and the eight NUL bytes that precede the body.

    JSON escapes U+0000, so the first eight NUL bytes in a row are always the delimiter.
    """
    data = _compact_json(fields).encode("ascii") + PRELUDE_END
    if len(data) > PRELUDE_LIMIT_BYTES:
        raise ResponseError(
            f"the status, headers and cookies take {len(data)} bytes; AWS accepts {PRELUDE_LIMIT_BYTES}: send less in"
            " headers"
        )
    return data


# Lambda's daemon is written in Go. Go's HTTP server treats a trailer section of 4096 bytes as an attack and resets the
# connection, which loses the whole stream. 3.5 KiB leaves a margin.
TRAILER_LIMIT_BYTES = 3584
ERROR_NAME_LIMIT = 128  # characters


def error_name(error_type: str) -> str:
    """Return `error_type` with only the characters that a header can carry. A class may have any name."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_.") else "_" for c in error_type)
    return name[:ERROR_NAME_LIMIT]


def error_trailers(report: "ErrorReport") -> bytes:
    """Return the last chunk and the two trailer fields that report an error after the first byte.

    To stay within `TRAILER_LIMIT_BYTES`, it drops frames from the middle of the stack trace, then all, then text.
    """
    # Lambda keeps a type that matches (Runtime|Function)\.[A-Z][a-zA-Z]+ and replaces any other.
    head = b"0\r\nLambda-Runtime-Function-Error-Type: Function.%b\r\nLambda-Runtime-Function-Error-Body: " % (
        error_name(report["errorType"]).encode("ascii")
    )
    limit = (TRAILER_LIMIT_BYTES - len(head) - 4) // 4 * 3  # base64 encodes three bytes as four
    body = b2a_base64(_encode_within(report, limit), newline=False)
    return head + body + b"\r\n\r\n"


def _encode_within(report: "ErrorReport", limit: int) -> bytes:
    """Return `report` as JSON of at most `limit` bytes."""
    data = _encode(report)
    if len(data) <= limit:
        return data
    frames = list(report["stackTrace"])
    for kept in range(min(len(frames) - 1, 16), 0, -1):
        first, last = frames[: (kept + 1) // 2], frames[len(frames) - kept // 2 :]
        gap = f"  ... {len(frames) - kept} frames left out ...\n"
        data = _encode({**report, "stackTrace": [*first, gap, *last]})
        if len(data) <= limit:
            return data
    short = {**report, "errorType": report["errorType"][:ERROR_NAME_LIMIT], "stackTrace": []}
    # A character takes 12 bytes of JSON at most (an escaped surrogate pair), so this loop ends.
    message = report["errorMessage"][:limit]
    data = _encode({**short, "errorMessage": message})
    while len(data) > limit:
        message = message[: len(message) - max(1, (len(data) - limit) // 12)]
        data = _encode({**short, "errorMessage": message + "..."})
    return data


def _encode(report: "ErrorReport") -> bytes:
    return fast_json.write(report).encode("ascii")


# --- responses -------------------------------------------------------------------------------------------------------

_HEX = frozenset(b"0123456789abcdefABCDEF")
HEAD_LIMIT_BYTES = 64 * 1024  # the largest headers are the client context, 3583 bytes at most, and the Cognito identity


class ResponseParser:
    """Parses one HTTP response that arrives in pieces of any size.

    Once `feed` returns True, `status`, `headers` (names in lower case) and `body` are complete, and `keeps_connection`
    says whether another request may follow. Interim responses (1xx) are skipped. Bytes after the end are an error: the
    Runtime API sends nothing unasked.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.started = self.complete = False
        self.keeps_connection = True
        self._buffer = bytearray()
        self._body: list[bytes] = []
        self._ends_with_connection = False
        self._missing_bytes = 0  # of a body of known length, or of the current chunk without its CRLF
        # Reads one part. Returns True after the last part, False if bytes are missing, None if another part may follow.
        self._read_next: Callable[[], bool | None] = self._read_head

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    def feed(self, data: bytes) -> bool:
        """Take the next bytes. Returns whether the response is complete, and sets `complete`."""
        self.started = True
        if not self._buffer:
            # A head that arrives in one packet is not copied into the buffer, nor is a large event.
            if self._read_next == self._read_head:
                data = data[self._take_head(data) :]
            if self._read_next == self._read_length:
                self.complete = self._take(data)
                return self.complete
        self._buffer += data
        complete = None
        while complete is None:  # a loop and no recursion: one packet may hold thousands of chunks
            complete = self._read_next()
        self.complete = complete
        return complete

    def end(self) -> bool:
        """Handle the end of the connection, which ends a body without a length. Returns whether that is complete."""
        self.complete = self.complete or self._ends_with_connection
        return self.complete

    def _take_head(self, data: "bytes | bytearray") -> int:
        """Read the head if `data` begins with all of it. Returns its size in bytes, 0 if bytes are missing."""
        end = data.find(b"\r\n\r\n")
        if not 0 <= end < HEAD_LIMIT_BYTES - 3:  # so that the limit does not depend on how the bytes arrive
            if len(data) >= HEAD_LIMIT_BYTES:
                raise ConnectionLost(f"the head of a response is longer than {HEAD_LIMIT_BYTES} bytes")
            return 0
        self._parse_head(data[:end].decode("latin-1"))
        return end + 4

    def _take(self, data: bytes) -> bool:
        self._body.append(data)
        if self._ends_with_connection:
            return False
        self._missing_bytes -= len(data)
        if self._missing_bytes < 0:
            raise ConnectionLost(f"{-self._missing_bytes} bytes follow the end of a response")
        return self._missing_bytes == 0

    def _read_head(self) -> "bool | None":
        size = self._take_head(self._buffer)
        del self._buffer[:size]
        return None if size else False

    def _parse_head(self, head: str) -> None:
        head = head.replace("\0", " ")  # RFC 9110, 5.5; the variable that holds the trace header could not hold NUL
        status_line, *lines = head.split("\r\n")
        version, _, rest = status_line.partition(" ")
        status = rest.partition(" ")[0]
        if not version.startswith("HTTP/1.") or len(status) != 3 or not status.isdecimal():
            raise ConnectionLost(f"not an HTTP response: {status_line[:80]!r}")
        self.status = int(status)
        if self.status < 200:
            return
        headers = self.headers
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        if "connection" in headers or version != "HTTP/1.1":
            self.keeps_connection = _keeps_connection(version, head.lower().split("\r\n"))
        if headers.get("transfer-encoding", "").lower() == "chunked":
            self._read_next = self._read_chunk_size
            return
        self._read_next = self._read_length
        self._ends_with_connection = "content-length" not in headers and not self.keeps_connection
        if not self._ends_with_connection:
            length = headers.get("content-length", "0")
            if len(length) > 18 or not length.isdecimal():
                raise ConnectionLost(f"invalid content-length of a response: {length[:20]!r}")
            self._missing_bytes = int(length)

    def _read_length(self) -> bool:
        data = bytes(self._buffer)
        self._buffer.clear()
        return self._take(data)

    def _read_chunk_size(self) -> "bool | None":
        end = self._buffer.find(CRLF)
        if end < 0:
            return False
        size = bytes(self._buffer[:end]).partition(b";")[0].strip()
        del self._buffer[: end + 2]
        if not 0 < len(size) <= 16 or not _HEX.issuperset(size):
            raise ConnectionLost(f"invalid chunk size in a response: {size[:20]!r}")
        self._missing_bytes = int(size, 16)
        self._read_next = self._read_chunk if self._missing_bytes else self._read_trailers
        return None

    def _read_chunk(self) -> "bool | None":
        if len(self._buffer) < self._missing_bytes + 2:
            return False
        if self._buffer[self._missing_bytes : self._missing_bytes + 2] != CRLF:
            raise ConnectionLost(f"a chunk of a response is longer than its size of {self._missing_bytes} bytes")
        self._body.append(bytes(self._buffer[: self._missing_bytes]))
        del self._buffer[: self._missing_bytes + 2]
        self._read_next = self._read_chunk_size
        return None

    def _read_trailers(self) -> bool:
        end = self._buffer.find(CRLF)
        while end > 0:
            del self._buffer[: end + 2]
            end = self._buffer.find(CRLF)
        if end == 0 and len(self._buffer) > 2:
            raise ConnectionLost(f"{len(self._buffer) - 2} bytes follow the end of a response")
        return end == 0


def _keeps_connection(version: str, lines: "Iterable[str]") -> bool:
    """Return whether the connection persists after a response with these head lines in lower case (RFC 9112, 9.3)."""
    options = [word.strip() for line in lines if line.startswith("connection:") for word in line[11:].split(",")]
    return "close" not in options and (version == "HTTP/1.1" or "keep-alive" in options)
