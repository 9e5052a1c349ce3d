"""Events as blocks of bytes: cut out of chunks, and given ids.

Format: WHATWG HTML, section 9.2 "Server-sent events". A blank line ends an event, and a line ends with CR LF, LF or CR.
"""

from .._bodies.items import shown
from ..errors import ResponseError

_END = b"\n\n"
_LF = ord("\n")
_ID = (b"id:", b"id\n")  # a line with the name of a field alone sets it to nothing


class EventSplitter:
    """Cuts chunks into whole events. Each ends with a blank line, and has LF line endings, as readers see all three."""

    def __init__(self) -> None:
        self._rest = b""
        self._after_cr = False

    def is_one_event(self, chunk: bytes) -> bool:
        """Return whether `chunk` is one whole event without an id. Then it need not be split."""
        return (
            type(chunk) is bytes
            and 0 < chunk.find(_END) == len(chunk) - 2
            and b"\r" not in chunk
            and chunk[0] != _LF
            and not chunk.startswith(_ID)
            and b"\nid" not in chunk  # else `split` looks whether a field has this name
            and not (self._rest or self._after_cr)
        )

    def split(self, chunk: bytes) -> "list[bytes]":
        """Return the events that `chunk` completes. Raises ResponseError for an event that has an id."""
        chunk = bytes(chunk)
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        elif chunk:
            self._after_cr = False
        *blocks, self._rest = (self._rest + chunk).split(_END)
        return [_checked(block.lstrip(b"\n") + _END) for block in blocks if block.strip(b"\n")]

    def finish(self) -> None:
        """Take note that the stream ends here. Raises ResponseError inside an event, which readers would drop."""
        if self._rest.strip(b"\n"):
            raise ResponseError(
                f"the body given to resumable ends inside an event: {shown(self._rest)} has no blank line behind it;"
                " give it a body of sse.events(), or yield whole events"
            )


def _checked(event: bytes) -> bytes:
    if event.startswith(_ID) or b"\nid:" in event or b"\nid\n" in event:
        raise ResponseError(
            "resumable numbers the events itself, but an event has an id of its own; leave `id` and `ids` out"
        )
    return event


def split_events(data: bytes) -> "list[bytes]":
    """Return the events that were joined to `data`."""
    return [block + _END for block in data.split(_END)[:-1]]


def with_id(event: bytes, event_id: str) -> bytes:
    """Return the event with an id."""
    return b"id: %b\n%b" % (event_id.encode(), event)
