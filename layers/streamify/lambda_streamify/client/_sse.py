"""Server-sent events out of bytes, without input or output.

Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream". One byte order mark at the beginning is dropped, a
line ends with CR LF, LF or CR, and an event whose empty line is missing is never dispatched.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONTENT_TYPE = "text/event-stream"
_BOM = b"\xef\xbb\xbf"
_RETRY_LIMIT_DIGITS = 9  # eleven days; Python refuses to read a number of thousands of digits


class ServerSentEvent:
    """One event, as a browser's EventSource would dispatch it.

    data    str, its lines joined by line feeds
    event   str, the event's type; "message" where the stream names none
    id      str, the last id that the stream has named so far, "" if none
    """

    __slots__ = ("data", "event", "id")

    def __init__(self, data: str, event: str = "message", id: str = "") -> None:  # noqa: A002 - the name of the field
        self.data = data
        self.event = event
        self.id = id

    def json(self) -> "Any":
        """The data, which is JSON. Raises ValueError if it is not."""
        from json import loads

        return loads(self.data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ServerSentEvent) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return f"ServerSentEvent({self.data!r}, event={self.event!r}, id={self.id!r})"

    def _fields(self) -> "tuple[str, str, str]":
        return self.data, self.event, self.id


class EventParser:
    """Takes the bytes of a stream as they come, and gives each event as soon as its empty line is there.

    `last_event_id` is the id of the last complete event, `retry_ms` the last `retry` (int), or None.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.retry_ms: int | None = None
        self._at_start = True  # a byte order mark may still come
        self._after_cr = False  # a line feed that comes next belongs to the line that has ended
        self._line: list[bytes] = []  # the parts of a line that is incomplete
        self._id = last_event_id
        self._event = ""
        self._data: list[str] = []
        self._record: list[bytes] = []  # the complete lines of an event that is incomplete

    @property
    def rest(self) -> bytes:
        """The event that is incomplete, with line feeds as its line ends."""
        return b"".join([*(line + b"\n" for line in self._record), *self._line])

    def feed(self, data: bytes) -> "list[ServerSentEvent]":
        """The events that `data` completes."""
        if self._at_start:
            data = self._without_bom(data)
        events = []
        for line in self._lines(data):
            event = self._take(line)
            if event is not None:
                events.append(event)
        return events

    def end(self) -> "list[ServerSentEvent]":
        """The events that the end of the stream completes: none, as the standard requires."""
        return []

    def _without_bom(self, data: bytes) -> bytes:
        data = b"".join([*self._line, data])
        self._line = []
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._line = [data]
            return b""
        self._at_start = False
        return data.removeprefix(_BOM)

    def _lines(self, data: bytes) -> "list[bytes]":
        """The lines that `data` completes. A CR at its end ends a line at once; an LF that follows is dropped."""
        if self._after_cr and data:
            self._after_cr = False
            data = data.removeprefix(b"\n")
        if not data:
            return []
        self._after_cr = data.endswith(b"\r")
        *complete, rest = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        if complete:
            complete[0] = b"".join([*self._line, complete[0]])
            self._line = []
        if rest:
            self._line.append(rest)
        return complete

    def _take(self, line: bytes) -> "ServerSentEvent | None":
        if not line:
            return self._dispatch()
        self._record.append(line)
        if line.startswith(b":"):
            return None
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit() and len(value) <= _RETRY_LIMIT_DIGITS:
            self.retry_ms = int(value)
        return None

    def _dispatch(self) -> "ServerSentEvent | None":
        data, event = self._data, self._event
        self._data, self._event, self._record = [], "", []
        self.last_event_id = self._id
        if not data:
            return None
        return ServerSentEvent("\n".join(data), event or "message", self._id)
