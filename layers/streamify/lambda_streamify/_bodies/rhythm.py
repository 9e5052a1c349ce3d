"""When a keep-alive record is due, and what it is."""

from ..errors import ResponseError
from .records import CHUNKS, Format, Position, format_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .._response.response import Chunk


class Rhythm:
    """The keep-alive record, how often it is sent (in seconds), and how the records around it end.

    Without a record and a kind, they are those of the response's content type.
    """

    def __init__(self, every: float, data: "str | bytes | None", kind: "Format | None") -> None:
        self.every = every
        self._record = _record(kind, data)
        self._kind = kind

    @property
    def kind(self) -> Format:
        return self._kind or CHUNKS

    @property
    def record(self) -> "str | bytes":
        assert self._record is not None  # noqa: S101 - a response settles it before anything is sent
        return self._record

    def settle(self, content_type: "str | None", headers: "Mapping[str, object]") -> None:
        """Take the record of the content type in `headers`, unless there is one.

        A body whose `content_type` has no record is refused. Raises ResponseError.
        """
        if self._record is not None:
            return
        given = content_type or next((headers[name] for name in headers if str(name).lower() == "content-type"), None)
        self._kind = format_of(given)
        if self._kind is None:
            what = "a body without a content type" if given is None else f"{given!r}"
            raise ResponseError(
                f"keepalive does not know where a record ends in {what}, nor what may stand between two: give it a body"
                " from sse.events() or ndjson.lines(), or the response a content type of one of these, or name what to"
                r" send between two chunks, such as keepalive(body, data=': keep-alive\n\n')"
            )
        self._record = self._kind.keep_alive


class Pulse:
    """When the next keep-alive record of one stream is due, and whether it may be sent."""

    def __init__(self, rhythm: Rhythm, clock: "Callable[[], float]") -> None:
        self._rhythm = rhythm
        self._clock = clock
        self._due = clock() + rhythm.every
        self.position = Position(rhythm.kind)

    def seconds_left(self) -> float:
        """Seconds until the next keep-alive record is due; 0 or less if it is due."""
        return self._due - self._clock()

    def passed(self, chunk: "Chunk") -> None:
        """Note that `chunk` was written."""
        if len(chunk):
            self.position.move(chunk)
            self._due = self._clock() + self._rhythm.every

    def beat(self) -> "str | bytes | None":
        """The keep-alive record if one is due and no record is open, else None.

        One that is due starts the time anew, also where it may not be sent.
        """
        if self.seconds_left() > 0:
            return None
        self._due = self._clock() + self._rhythm.every
        return self._rhythm.record if self.position.is_between_records else None


def _record(kind: "Format | None", data: "str | bytes | None") -> "str | bytes | None":
    if data is None:
        return None if kind is None else kind.keep_alive
    if not isinstance(data, (str, bytes)) or not data:
        raise ResponseError(f"keepalive: data is {data!r}; it must be str or bytes, and not empty")
    if kind is not None and not kind.is_whole(data):
        raise ResponseError(
            f"keepalive: data is {data!r}, which leaves a record open; let it end with {kind.endings[0].decode()!r}"
        )
    return data
