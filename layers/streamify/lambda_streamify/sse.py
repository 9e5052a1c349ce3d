"""Server-sent events, which a browser's EventSource reads.

Format: WHATWG HTML, section 9.2 "Server-sent events". Fields are lines, a blank line ends an event, and a line may end
with CR LF, LF or CR. So nothing that ends a line may stand in a field; data and comments are cut into several lines.
"""

from . import encoded_items
from .errors import ResponseError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from typing import Any

    from .bodies import AsyncTypedBody, TypedBody

CONTENT_TYPE = "text/event-stream; charset=utf-8"
BREAKS = "\r\n"
NUL = "\0"


class Event:
    """One event.

    `data` is text, bytes of UTF-8, or any other value, which is sent as JSON. None sends no data: readers then see a
    `comment` as nothing, keep the `id` for their reconnection, and wait `retry` milliseconds before it. Raises
    ResponseError for a field that the format has no place for.
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
        self._fields()  # a wrong one is found where it was written

    def encode(self, default: "Callable[[Any], object] | None" = None) -> bytes:
        """The bytes of this event, up to its blank line. `default` is as in `events`."""
        return self.encode_with(encoded_items.json_encoder(default))

    def encode_with(self, to_json: "encoded_items.Encode") -> bytes:
        """`encode` for many events: `to_json` comes from `encoded_items.json_encoder`."""
        data = b"" if self.data is None else _data(self.data, to_json)
        return self._fields() + data + b"\n"

    def _fields(self) -> bytes:
        """All lines but those of the data."""
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


def events(
    items: "Iterable[Any] | AsyncIterable[Any]",
    *,
    on_error: "Callable[[Exception], object] | None" = None,
    default: "Callable[[Any], object] | None" = None,
) -> "TypedBody | AsyncTypedBody":
    """Each item as one event, whole in one chunk; the next item is asked for when the next event is.

    An item is an `Event`, or the data of one: text, bytes of UTF-8, or any other value, which is sent as JSON.
    `default` turns an object that JSON has no form for into one that has, as in `json.dumps`. `on_error`, for example
    `error_event`, turns an Exception of the source into one last item; the exception is raised after it. Raises
    ResponseError or ChunkTypeError for an item that cannot be sent.
    """
    to_json = encoded_items.json_encoder(default)

    def encode(item: object) -> bytes:
        return item.encode_with(to_json) if isinstance(item, Event) else _data(item, to_json) + b"\n"

    return encoded_items.body("sse.events", items, encode, CONTENT_TYPE, on_error)


def error_event(error: BaseException) -> Event:
    """An `event: error` whose data are errorType and errorMessage: the reader sees the text of the exception."""
    return Event(encoded_items.error_fields(error), event="error")


def _data(value: object, to_json: "encoded_items.Encode") -> bytes:
    if isinstance(value, str):
        return _several_lines(b"data: ", "data", value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        try:
            return _several_lines(b"data: ", "data", str(value, "utf-8"))
        except UnicodeDecodeError as error:
            raise ResponseError(
                f"data is {encoded_items.shown(bytes(value))}, no UTF-8; decode it, or send base64"
            ) from error
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
        raise ResponseError(f"{name} is {encoded_items.shown(text)}; half of a surrogate pair is no text") from error
