"""Newline-delimited JSON: one value a line, so that a reader can use each value as soon as its line ends.

    from lambda_streamify import ndjson

    def handler(event, context):
        return ndjson.lines({"row": row} for row in rows())

Format: UTF-8, a line feed after each value, no line break inside one (github.com/ndjson/ndjson-spec).
"""

from ._bodies.items import encode_items, error_fields, json_encoder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from typing import Any, overload

    from ._bodies.bodies import AsyncTypedBody, TypedBody

CONTENT_TYPE = "application/x-ndjson"


if TYPE_CHECKING:

    @overload
    def lines(
        items: AsyncIterable[Any],
        *,
        on_error: Callable[[Exception], object] | None = None,
        default: Callable[[Any], object] | None = None,
    ) -> AsyncTypedBody: ...

    @overload
    def lines(
        items: Iterable[Any],
        *,
        on_error: Callable[[Exception], object] | None = None,
        default: Callable[[Any], object] | None = None,
    ) -> TypedBody: ...


def lines(
    items: "Iterable[Any] | AsyncIterable[Any]",
    *,
    on_error: "Callable[[Exception], object] | None" = None,
    default: "Callable[[Any], object] | None" = None,
) -> "TypedBody | AsyncTypedBody":
    """A body that sends each item as one line of JSON, in one chunk. It takes an item only when the line is due.

    items     a generator, an async generator or another iterable of JSON values
    on_error  a function that gets the exception of a source that fails, and returns one last item, or None for none.
              `error_line` is such a function. The exception is raised after that item.
    default   a function that makes a JSON value of an object that has no JSON form, as in `json.dumps`

    The result iterates synchronously or asynchronously, as `items` does. The body raises ChunkTypeError for an item
    that has no JSON form, and ResponseError for NaN, an infinity or a value that contains itself.
    """
    encode = json_encoder(default)
    return encode_items("ndjson.lines", items, lambda item: encode(item) + b"\n", CONTENT_TYPE, on_error)


def error_line(error: BaseException) -> "dict[str, dict[str, str]]":
    """`{"error": {"errorType": ..., "errorMessage": ...}}`, for `on_error`. Every reader sees the exception's text."""
    return {"error": error_fields(error)}
