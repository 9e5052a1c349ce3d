"""An HTTP/1.1 response out of bytes, without input or output.

Python's `http.client` is not used, because it takes several cut responses for whole ones: a head without its empty
line, a body shorter than its Content-Length (in `read1`), and "0" as a last chunk without its line end (seen in
Python 3.11). Both connections, the blocking one and that of asyncio, read by this module.

Source: RFC 9112. Section 6.3 says where a body ends, section 8 what makes a response incomplete.
"""

from ..errors import NoResponse, StreamCut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_HEAD_LIMIT_BYTES = 64 * 1024  # status and headers, or trailers; API Gateway and function URLs allow less
_CHUNK_LINE_LIMIT_BYTES = 4 * 1024  # a chunk's size and extensions
_SIZE_LIMIT_DIGITS = 16  # hexadecimal, of a chunk's size
_LENGTH_LIMIT_DIGITS = 18
_HEX = frozenset(b"0123456789abcdefABCDEF")
_SHOWN_LIMIT_BYTES = 80  # of the server's bytes in an error message
_WITHOUT_BODY = (204, 304)


class Head:
    """The status of a response, an int, and its headers, pairs of str in their order."""

    __slots__ = ("headers", "status")

    def __init__(self, status: int, headers: "list[tuple[str, str]]") -> None:
        self.status = status
        self.headers = headers

    def values(self, name: str) -> "list[str]":
        """The values of a header whose name is given in lower case."""
        return [value for key, value in self.headers if key.lower() == name]


class ResponseParser:
    """Takes what a connection receives, and gives the parts of the body as they come.

    `head` is None until it is complete. `is_complete` says whether the whole response is there.

    Raises NoResponse if the head is not HTTP, and StreamCut if the body is not what the head announces. That is raised
    behind the parts of the body that came before it: call `check` before more bytes are waited for.
    """

    def __init__(self, method: str) -> None:
        self.head: Head | None = None
        self.is_complete = False
        self._is_answer_to_head = method == "HEAD"
        self._buffer = bytearray()
        self._step = self._read_head  # takes what it can from the buffer, and says whether another step can go on
        self._body: list[bytes] = []
        self._failure: StreamCut | None = None
        self._received = 0  # bytes of the body
        self._length = 0  # bytes of the whole body, if its length is known
        self._remaining = 0  # bytes of the body, or of the chunk, that are still to come

    def feed(self, data: bytes) -> "list[bytes]":
        """The parts of the body that `data` holds. What follows the response is ignored."""
        self.check()
        self._buffer += data
        try:
            while not self.is_complete and self._step():
                pass
        except StreamCut as failure:
            self._failure = failure
        body, self._body = self._body, []
        if not body:
            self.check()
        return body

    def check(self) -> None:
        """Raise StreamCut if what has come behind the last part of the body is wrong."""
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """The connection has ended. Raises NoResponse or StreamCut if the response is incomplete."""
        self.check()
        if self.is_complete:
            return
        if self.head is None:
            told = "after its first bytes" if self._buffer else "without an answer"
            raise NoResponse(f"the server closed the connection {told}")
        if self._step == self._read_to_end:
            self.is_complete = True
        elif self._step == self._read_length:
            raise StreamCut(f"the response was cut after {self._received} of {self._length} bytes")
        else:
            raise StreamCut(f"the response was cut after {self._received} bytes, before its last chunk")

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", 0, _HEAD_LIMIT_BYTES)
        if end < 0:
            if len(self._buffer) >= _HEAD_LIMIT_BYTES:
                raise NoResponse(f"the status and the headers of the response exceed {_HEAD_LIMIT_BYTES} bytes")
            return False
        status, *lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        head = Head(_status(status), [_field(line) for line in lines])
        if head.status < 200:  # RFC 9110, section 15.2: interim responses come before the one to the request
            return True
        self._step = self._body_of(head)
        self.head = head
        return True

    def _body_of(self, head: Head) -> "Callable[[], bool]":
        """What reads the body that `head` announces."""
        codings = [coding.strip().lower() for value in head.values("transfer-encoding") for coding in value.split(",")]
        lengths = {length.strip() for value in head.values("content-length") for length in value.split(",")}
        if self._is_answer_to_head or head.status in _WITHOUT_BODY:
            self.is_complete = True
        elif codings:
            if codings != ["chunked"]:
                raise NoResponse(f"the response has the transfer coding {', '.join(codings)}, which nobody asked for")
            return self._read_chunk_size
        elif lengths:
            self._length = self._remaining = _length(lengths)
            self.is_complete = self._length == 0
            return self._read_length
        return self._read_to_end

    def _read_length(self) -> bool:
        going_on = self._take_body()
        self.is_complete = self._remaining == 0
        return going_on

    def _read_to_end(self) -> bool:
        self._remaining = len(self._buffer)
        return self._take_body()

    def _read_chunk_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        size = line.partition(b";")[0].rstrip(b" \t")
        if not size or len(size) > _SIZE_LIMIT_DIGITS or not _HEX.issuperset(size):
            raise StreamCut(f"the body of the response breaks off in {line[:_SHOWN_LIMIT_BYTES]!r}, no size of a chunk")
        self._remaining = int(size, 16)
        self._step = self._read_chunk if self._remaining else self._read_trailers
        return True

    def _read_chunk(self) -> bool:
        going_on = self._take_body()
        if not self._remaining:
            self._step = self._read_end_of_chunk
        return going_on

    def _read_end_of_chunk(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise StreamCut("the body of the response breaks off: a chunk is longer than its size says")
        del self._buffer[:2]
        self._step = self._read_chunk_size
        return True

    def _read_trailers(self) -> bool:
        """Drop the trailers: function URLs and API Gateway send none."""
        line = self._line()
        self.is_complete = line == b""
        return line is not None

    def _line(self) -> "bytes | None":
        end = self._buffer.find(b"\r\n", 0, _CHUNK_LINE_LIMIT_BYTES)
        if end < 0:
            if len(self._buffer) >= _CHUNK_LINE_LIMIT_BYTES:
                raise StreamCut(f"the body of the response breaks off in a line over {_CHUNK_LINE_LIMIT_BYTES} bytes")
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    def _take_body(self) -> bool:
        """Move what the buffer has of the body, at most the remaining bytes, into the body."""
        if not self._buffer or not self._remaining:
            return False
        part = bytes(self._buffer[: self._remaining])
        del self._buffer[: len(part)]
        self._body.append(part)
        self._received += len(part)
        self._remaining -= len(part)
        return True


def _status(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(code) < 3 or not code.isdigit() or rest[3:4] not in (b"", b" "):
        raise NoResponse(f"the answer is not HTTP/1.1: it begins with {line[:_SHOWN_LIMIT_BYTES]!r}")
    if code < b"100":
        raise NoResponse(f"the answer is not HTTP/1.1: its status is {code.decode()}")
    return int(code)


def _field(line: bytes) -> "tuple[str, str]":
    name, colon, value = line.partition(b":")
    if not colon or not name or name != name.strip() or b"\0" in line or b"\r" in line or b"\n" in line:
        raise NoResponse(f"the answer is not HTTP/1.1: {line[:_SHOWN_LIMIT_BYTES]!r} is not a header")
    return name.decode("latin-1"), value.strip(b" \t").decode("latin-1")


def _length(lengths: "set[str]") -> int:
    length = lengths.pop()
    if lengths or not (length.isascii() and length.isdigit()) or len(length) > _LENGTH_LIMIT_DIGITS:
        raise NoResponse(f"the Content-Length of the response is {', '.join(sorted({length, *lengths}))!r}")
    return int(length)
