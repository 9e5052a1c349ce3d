"""Server-sent events, which a browser's EventSource reads.

    from lambda_streamify import sse

    def handler(event, context):
        return sse.events({"token": token} for token in tokens())

Format: WHATWG HTML, section 9.2 "Server-sent events". Fields are lines, a blank line ends an event, and a line ends
with CR LF, LF or CR. So no field may hold a line break; data and comments are sent as several lines.
"""

from ._bodies.items import encode_items, error_fields, json_encoder, shown
from .errors import ResponseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator
    from typing import Any, overload

    from ._bodies.bodies import AsyncTypedBody, TypedBody
    from ._bodies.items import Encode

CONTENT_TYPE = "text/event-stream; charset=utf-8"
BREAKS = "\r\n"
NUL = "\0"


class Event:
    """One event.

        Event({"token": "Once "}, id="7")

    data     str, bytes of UTF-8, or any other value, which is sent as JSON; None sends no data
    event    the event's type; readers use "message" where there is none
    id       what readers send as Last-Event-ID when they reconnect
    retry    how many milliseconds readers wait before they reconnect, an int
    comment  text that readers ignore

    Raises ResponseError for a field that the format cannot express.
    """

    def __init__(
        self,
        data: object = None,
        event: "str | None" = None,
        id: "str | None" = None,  # noqa: A002 - the name of the field
        retry: "int | None" = None,
        comment: "str | None" = None,
    ) -> None:
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry
        self.comment = comment
        self._fields()  # so that a wrong field raises here, where it was written

    def encode(self, default: "Callable[[Any], object] | None" = None) -> bytes:
        """The bytes of this event and its blank line. `default` is that of `events`."""
        return self.encode_with(json_encoder(default))

    def encode_with(self, to_json: "Encode") -> bytes:
        """`encode` for many events. `to_json` is the result of `json_encoder`."""
        data = b"" if self.data is None else _data(self.data, to_json)
        return self._fields() + data + b"\n"

    def _fields(self) -> bytes:
        """All lines except those of the data."""
        fields = b""
        if self.comment is not None:
            fields += _several_lines(b": ", "comment", self.comment)
        if self.event is not None:
            fields += _one_line("event", self.event, BREAKS)
        if self.id is not None:
            fields += _one_line("id", self.id, BREAKS + NUL)  # readers ignore an id with NUL
        if self.retry is not None:
            if type(self.retry) is not int or self.retry < 0:
                raise ResponseError(f"retry is {self.retry!r}; it must be milliseconds, an int of 0 or more")
            fields += b"retry: %d\n" % self.retry
        if self.data is None and self.event is not None:
            raise ResponseError(f"event is {self.event!r}, but readers drop an event that has no data; give it data=''")
        if self.data is None and not fields:
            raise ResponseError("the event has no field; give it data, a comment, an id or a retry")
        return fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Event) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # its fields may change

    def __repr__(self) -> str:
        given = [f"{name}={value!r}" for name, value in vars(self).items() if value is not None]
        return f"Event({', '.join(given)})"


if TYPE_CHECKING:

    @overload
    def events(
        items: AsyncIterable[Any],
        *,
        on_error: Callable[[Exception], object] | None = None,
        default: Callable[[Any], object] | None = None,
        comment: str | None = None,
        ids: Iterable[object] | None = None,
        done: object = None,
    ) -> AsyncTypedBody: ...

    @overload
    def events(
        items: Iterable[Any],
        *,
        on_error: Callable[[Exception], object] | None = None,
        default: Callable[[Any], object] | None = None,
        comment: str | None = None,
        ids: Iterable[object] | None = None,
        done: object = None,
    ) -> TypedBody: ...


def events(
    items: "Iterable[Any] | AsyncIterable[Any]",
    *,
    on_error: "Callable[[Exception], object] | None" = None,
    default: "Callable[[Any], object] | None" = None,
    comment: "str | None" = None,
    ids: "Iterable[object] | None" = None,
    done: object = None,
) -> "TypedBody | AsyncTypedBody":
    """A body that sends each item as one event, in one chunk. It takes an item only when the event is due.

    items     a generator, an async generator or another iterable of events. An item is an `Event`, or the data of one:
              str, bytes of UTF-8, or any other value, which is sent as JSON.
    on_error  a function that gets the exception of a source that fails, and returns one last item, or None for none.
              `error_event` is such a function. The exception is raised after that item.
    default   a function that makes a JSON value of an object that has no JSON form, as in `json.dumps`
    comment   text that readers ignore, sent before the source is asked for its first item. Status and headers leave
              with it, so a later error no longer becomes a 502.
    ids       the ids of the events, such as `itertools.count(1)`: each event without an id takes the next one
    done      the last item, after a source that has not failed, such as "[DONE]"; None for none

    The result iterates synchronously or asynchronously, as `items` does. The body raises ResponseError or
    ChunkTypeError for an item that cannot be sent.
    """
    to_json = json_encoder(default)

    def encode(item: object) -> bytes:
        return item.encode_with(to_json) if isinstance(item, Event) else _data(item, to_json) + b"\n"

    first = b"" if comment is None else Event(comment=comment).encode()
    numbered = encode if ids is None else _with_ids(encode, iter(ids))
    return encode_items("sse.events", items, numbered, CONTENT_TYPE, on_error, first=first, done=done)


def _with_ids(encode: "Encode", ids: "Iterator[object]") -> "Encode":
    def encode_with_id(item: object) -> bytes:
        if isinstance(item, Event) and item.id is not None:
            return encode(item)
        number = next(ids, None)
        if number is None:
            raise ResponseError("sse.events: `ids` has fewer ids than there are events; give it itertools.count(1)")
        return _one_line("id", str(number), BREAKS + NUL) + encode(item)

    return encode_with_id


def error_event(error: BaseException) -> Event:
    """An event of the type "error" whose data is `{"errorType": ..., "errorMessage": ...}`, for `on_error`.

    Every reader sees the text of the exception.
    """
    return Event(error_fields(error), event="error")


def _data(value: object, to_json: "Encode") -> bytes:
    if isinstance(value, str):
        return _several_lines(b"data: ", "data", value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return _several_lines(b"data: ", "data", str(value, "utf-8"))
        except UnicodeDecodeError as error:
            raise ResponseError(f"data is {shown(bytes(value))}, no UTF-8; decode it, or send base64") from error
    return b"data: %b\n" % to_json(value)


def _several_lines(start: bytes, name: str, text: object) -> bytes:
    # Readers drop one space after the colon: without it, they would drop a space of the text.
    encoded = _utf8(name, text).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return start + encoded.replace(b"\n", b"\n" + start) + b"\n"


def _one_line(name: str, text: object, forbidden: str) -> bytes:
    encoded = _utf8(name, text)
    if any(character.encode() in encoded for character in forbidden):
        raise ResponseError(
            f"{name} is {text!r}; it must not hold a line break{' or NUL' if NUL in forbidden else ''}; take it out"
        )
    return b"%b: %b\n" % (name.encode(), encoded)


def _utf8(name: str, text: object) -> bytes:
    if not isinstance(text, str):
        raise ResponseError(f"{name} is {text!r}, of type {type(text).__name__}; it must be a str")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ResponseError(f"{name} is {shown(text)}; half of a surrogate pair is no text") from error
