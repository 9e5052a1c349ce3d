"""Finds the end of a record in a stream. Only between two records may something else be sent, such as a keep-alive."""

from .._core.iteration import as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._response.response import Chunk


class Format:
    """A stream format: the bytes that a client ignores, and the byte sequences that end a record."""

    def __init__(self, keep_alive: bytes, endings: "tuple[bytes, ...]") -> None:
        self.keep_alive = keep_alive
        self.endings = endings

    def is_whole(self, data: "str | bytes") -> bool:
        """Return whether `data` ends at the end of a record."""
        return _end_of(data).endswith(self.endings)


# A blank line ends an event. A line ends with LF, CR LF or CR. A line that begins with a colon is a comment (WHATWG
# HTML, section 9.2, "Server-sent events"). LF CR is not an ending here: the LF of its CR LF may be in the next chunk.
EVENTS = Format(b": keep-alive\n\n", (b"\n\n", b"\n\r\n", b"\r\r", b"\r\r\n"))
# Each LF ends a record. A parser may ignore empty lines (ndjson-spec 1.0.0, section 3.1).
LINES = Format(b"\n", (b"\n",))
# A stream of an unknown format: each chunk counts as a record.
CHUNKS = Format(b"", (b"",))

_LINES_TYPES = frozenset(
    f"application/{name}"
    for name in ("jsonl", "jsonlines", "ndjson", "x-jsonl", "x-jsonlines", "x-ndjson", "x-json-stream")
)


def format_of(content_type: object) -> "Format | None":
    """Return the format for a content type, with or without parameters, or None if the format is unknown."""
    if not isinstance(content_type, str):
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return EVENTS
    return LINES if kind in _LINES_TYPES else None


class Position:
    """Tracks the last bytes of a stream, which say whether a record is open. At the beginning of a stream none is."""

    def __init__(self, kind: Format) -> None:
        self._endings = kind.endings
        self._tail = kind.endings[0]

    @property
    def is_between_records(self) -> bool:
        """Return whether the last record has ended and the next one has not begun."""
        return self._tail.endswith(self._endings)

    def move(self, chunk: "Chunk") -> None:
        """Append `chunk`."""
        self._tail = (self._tail + _end_of(chunk))[-_LONGEST_ENDING_BYTES:]

    def lose(self) -> None:
        """Treat the position as unknown until the next end of a record."""
        self._tail = b""


_LONGEST_ENDING_BYTES = 3


def _end_of(chunk: "Chunk") -> bytes:
    if isinstance(chunk, str):
        return chunk[-_LONGEST_ENDING_BYTES:].encode()
    return bytes(as_bytes(chunk)[-_LONGEST_ENDING_BYTES:])
