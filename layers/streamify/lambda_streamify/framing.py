"""HTTP/1.1 as the Runtime API speaks it: bytes in, bytes out, no I/O.

Sources: RFC 9112 for HTTP/1.1 framing; the AWS Lambda Developer Guide, "Using the Lambda runtime API" and "Building a
custom runtime: response streaming", for the headers, the prelude and the error trailers.
"""

from binascii import b2a_base64

from . import lean_json
from .errors import ConnectionLost, ResponseError, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    ErrorReport = Mapping[str, Any]

# --- request heads ---------------------------------------------------------------------------------------------------

STREAMING_HEADERS = (
    ("Lambda-Runtime-Function-Response-Mode", "streaming"),  # lower case: AWS's emulator compares it as it stands
    ("Transfer-Encoding", "chunked"),
    # Lambda drops trailers that were not announced.
    ("Trailer", "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"),
)
PRELUDE_CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"


def request_head(method: str, path: str, headers: "Iterable[tuple[str, str]]") -> bytes:
    """The request line and the header fields, with the empty line that ends them."""
    return head(method, path, fields(headers))


def fields(headers: "Iterable[tuple[str, str]]") -> str:
    """The header fields, a line each."""
    return "".join([f"{name}: {value}\r\n" for name, value in headers])


def head(method: str, path: str, lines: str) -> bytes:
    """`request_head` of lines that `fields` has made."""
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


# --- the body of a streamed response ---------------------------------------------------------------------------------

# What may follow what in one streamed response. An event that a state does not list is a StreamStateError.
TRANSITIONS = {
    "pending": {"head": "open"},
    "open": {"chunk": "open", "end": "done", "trailers": "failed"},
    "done": {},
    "failed": {},
}


def advance(state: str, event: str) -> str:
    """The state after `event`, one of the columns of `TRANSITIONS`."""
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise StreamStateError(f"a response stream that is {state} takes no {event}") from None


CRLF = b"\r\n"
LAST_CHUNK = b"0\r\n\r\n"

# Up to here a chunk is copied into one frame; beyond, its three parts are sent as they lie, because copying costs more
# than a gathered write (measured: equal at 1 KB, 1.6 times cheaper gathered at 16 KB).
COPY_LIMIT = 4096


def small_chunk(data: bytes) -> bytes:
    """One chunk in one piece of memory. `data` is not empty: a chunk of length zero would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def large_chunk(data: bytes) -> "tuple[bytes, bytes, bytes]":
    """One chunk as the buffers of a gathered write, `data` itself among them."""
    return b"%x\r\n" % len(data), data, CRLF


PRELUDE_END = bytes(8)
# API Gateway looks for the end of the prelude in the first 16 KB of a stream (API Gateway Developer Guide, "Response
# transfer mode"); function URLs name no limit, so this one serves for both.
PRELUDE_LIMIT = 16 * 1024

_compact_json = lean_json.writer(separators=(",", ":"))


def prelude(fields: "Mapping[str, Any]") -> bytes:
    """Status, headers and cookies as the JSON object and eight NUL bytes that go before the body.

    JSON escapes U+0000, so that the first eight NULs in a row are always the delimiter.
    """
    data = _compact_json(fields).encode("ascii") + PRELUDE_END
    if len(data) > PRELUDE_LIMIT:
        raise ResponseError(
            f"the status, headers and cookies take {len(data)} bytes; AWS accepts {PRELUDE_LIMIT}: send less in headers"
        )
    return data


# At 4096 bytes Go's HTTP server takes the trailer section for an attack and resets the connection, and with it the
# whole stream; Lambda's own daemon is written in Go. 3.5 KiB keeps a distance.
TRAILER_LIMIT = 3584
ERROR_NAME_LIMIT = 128


def error_name(error_type: str) -> str:
    """`error_type`, which may be any text that somebody named a class, in characters that a header can carry."""
    name = "".join(c if c.isascii() and (c.isalnum() or c in "_.") else "_" for c in error_type)
    return name[:ERROR_NAME_LIMIT]


def error_trailers(report: "ErrorReport") -> bytes:
    """The last chunk and the two trailer fields that tell of an error after the first byte.

    The whole section stays under `TRAILER_LIMIT`: first the frames in the middle of the stack trace go, then all
    frames, then the end of the message.
    """
    # Lambda keeps a type that matches (Runtime|Function)\.[A-Z][a-zA-Z]+ and replaces any other.
    head = b"0\r\nLambda-Runtime-Function-Error-Type: Function.%b\r\nLambda-Runtime-Function-Error-Body: " % (
        error_name(report["errorType"]).encode("ascii")
    )
    room = (TRAILER_LIMIT - len(head) - 4) // 4 * 3  # base64 makes four bytes of three
    body = b2a_base64(_fit(report, room), newline=False)
    return head + body + b"\r\n\r\n"


def _fit(report: "ErrorReport", room: int) -> bytes:
    """`report` as JSON in at most `room` bytes."""
    data = _encode(report)
    if len(data) <= room:
        return data
    frames = list(report["stackTrace"])
    for kept in range(min(len(frames) - 1, 16), 0, -1):
        first, last = frames[: (kept + 1) // 2], frames[len(frames) - kept // 2 :]
        gap = f"  ... {len(frames) - kept} frames left out ...\n"
        data = _encode({**report, "stackTrace": [*first, gap, *last]})
        if len(data) <= room:
            return data
    short = {**report, "errorType": report["errorType"][:ERROR_NAME_LIMIT], "stackTrace": []}
    # No character takes more than 12 bytes as JSON (a surrogate pair, escaped), so this loop ends.
    message = report["errorMessage"][:room]
    data = _encode({**short, "errorMessage": message})
    while len(data) > room:
        message = message[: len(message) - max(1, (len(data) - room) // 12)]
        data = _encode({**short, "errorMessage": message + "..."})
    return data


def _encode(report: "ErrorReport") -> bytes:
    return lean_json.write(report).encode("ascii")


# --- responses -------------------------------------------------------------------------------------------------------

_HEX = frozenset(b"0123456789abcdefABCDEF")
HEAD_LIMIT = 64 * 1024  # client context and Cognito identity are the large ones; the first is at most 3583 bytes


class ResponseParser:
    """One HTTP response, fed in pieces of any size.

    `feed` takes what was received and returns whether the response is complete; then `status`, `headers` (names in
    lower case) and `body` hold it. Interim responses (1xx) are passed over. Bytes after the end are an error: the
    Runtime API has nothing to say unasked.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.started = False
        self._buffer = bytearray()
        self._body: list[bytes] = []
        self._missing = 0  # bytes still to come of a body of known length, or of the current chunk and its CRLF
        # Reads one part: True if it was the last one, False if bytes are missing, None if the next part can be read.
        self._read: Callable[[], bool | None] = self._read_head

    @property
    def body(self) -> bytes:
        """The whole body."""
        return self._body[0] if len(self._body) == 1 else b"".join(self._body)

    def feed(self, data: bytes) -> bool:
        """Take the next bytes; True once the response is complete."""
        self.started = True
        if not self._buffer:
            # No detour for a head that comes in one packet, nor for a large event.
            if self._read == self._read_head:
                data = data[self._take_head(data) :]
            if self._read == self._read_length:
                return self._take(data)
        self._buffer += data
        complete = None
        while complete is None:  # not by recursion: one packet may hold thousands of chunks
            complete = self._read()
        return complete

    def _take_head(self, data: "bytes | bytearray") -> int:
        """Read the head, if `data` begins with all of it; returns how many bytes it takes, 0 if some are missing."""
        end = data.find(b"\r\n\r\n")
        if not 0 <= end < HEAD_LIMIT - 3:  # the same however the bytes arrive
            if len(data) >= HEAD_LIMIT:
                raise ConnectionLost(f"the head of a response is over {HEAD_LIMIT} bytes")
            return 0
        self._parse_head(data[:end].decode("latin-1"))
        return end + 4

    def _take(self, data: bytes) -> bool:
        self._body.append(data)
        self._missing -= len(data)
        if self._missing < 0:
            raise ConnectionLost(f"{-self._missing} bytes follow the end of a response")
        return self._missing == 0

    def _read_head(self) -> "bool | None":
        size = self._take_head(self._buffer)
        del self._buffer[:size]
        return None if size else False

    def _parse_head(self, head: str) -> None:
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
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            self._read = self._read_chunk_size
        else:
            length = self.headers.get("content-length", "0")
            if len(length) > 18 or not length.isdecimal():
                raise ConnectionLost(f"the content-length of a response is {length[:20]!r}")
            self._missing = int(length)
            self._read = self._read_length

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
            raise ConnectionLost(f"not a chunk size in a response: {size[:20]!r}")
        self._missing = int(size, 16)
        self._read = self._read_chunk if self._missing else self._read_trailers
        return None

    def _read_chunk(self) -> "bool | None":
        if len(self._buffer) < self._missing + 2:
            return False
        if self._buffer[self._missing : self._missing + 2] != CRLF:
            raise ConnectionLost(f"a chunk of {self._missing} bytes in a response is longer than that")
        self._body.append(bytes(self._buffer[: self._missing]))
        del self._buffer[: self._missing + 2]
        self._read = self._read_chunk_size
        return None

    def _read_trailers(self) -> bool:
        end = self._buffer.find(CRLF)
        while end > 0:
            del self._buffer[: end + 2]
            end = self._buffer.find(CRLF)
        if end == 0 and len(self._buffer) > 2:
            raise ConnectionLost(f"{len(self._buffer) - 2} bytes follow the end of a response")
        return end == 0
