"""Where a record of a stream ends: only there something else can be said without being taken for a part of it."""

from .response import as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .response import Chunk


class Format:
    """A kind of stream: the bytes that say nothing in it, and the endings of a stream that has no record open."""

    def __init__(self, keep_alive: bytes, endings: "tuple[bytes, ...]") -> None:
        self.keep_alive = keep_alive
        self.endings = endings

    def is_whole(self, data: "str | bytes") -> bool:
        """Whether `data` ends where a record does."""
        return _end_of(data).endswith(self.endings)


# A blank line ends an event, and a line ends with LF, CR LF or CR; a line that begins with a colon is a comment (WHATWG
# HTML, section 9.2, "Server-sent events"). CR after LF is not among the endings: its LF may come with the next chunk.
EVENTS = Format(b": keep-alive\n\n", (b"\n\n", b"\n\r\n", b"\r\r", b"\r\r\n"))
# A parser may pass over empty lines (ndjson-spec 1.0.0, section 3.1); each LF ends a record.
LINES = Format(b"\n", (b"\n",))
# A stream whose records nobody knows: its chunks have to do.
CHUNKS = Format(b"", (b"",))

_LINES_TYPES = frozenset(
    f"application/{name}"
    for name in ("jsonl", "jsonlines", "ndjson", "x-jsonl", "x-jsonlines", "x-ndjson", "x-json-stream")
)


def format_of(content_type: object) -> "Format | None":
    """The format that a content type names, with or without parameters; None if it names no known one."""
    if not isinstance(content_type, str):
        return None
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "text/event-stream":
        return EVENTS
    return LINES if kind in _LINES_TYPES else None


class Position:
    """How far a stream has got, as far as it tells whether a record is open. At its beginning none is."""

    def __init__(self, kind: Format) -> None:
        self._endings = kind.endings
        self._tail = kind.endings[0]

    @property
    def is_between_records(self) -> bool:
        """Whether the last record has ended and the next one has not begun."""
        return self._tail.endswith(self._endings)

    def move(self, chunk: "Chunk") -> None:
        """`chunk` follows."""
        self._tail = (self._tail + _end_of(chunk))[-_LONGEST:]

    def lose(self) -> None:
        """Nobody knows what follows; the next end of a record is one again."""
        self._tail = b""


_LONGEST = 3  # bytes of an ending


def _end_of(chunk: "Chunk") -> bytes:
    if isinstance(chunk, str):
        return chunk[-_LONGEST:].encode()
    return bytes(as_bytes(chunk)[-_LONGEST:])
