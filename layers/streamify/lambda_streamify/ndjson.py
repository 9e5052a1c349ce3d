"""Newline-delimited JSON: one value a line, so that a reader can use each as soon as its line ends.

Format: UTF-8, a line feed after each value, no line break inside one (github.com/ndjson/ndjson-spec).
"""

from . import encoded_items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable
    from typing import Any

    from .bodies import AsyncTypedBody, TypedBody

CONTENT_TYPE = "application/x-ndjson"


def lines(
    items: "Iterable[Any] | AsyncIterable[Any]",
    *,
    on_error: "Callable[[Exception], object] | None" = None,
    default: "Callable[[Any], object] | None" = None,
) -> "TypedBody | AsyncTypedBody":
    """Each item as one line of JSON; the next item is asked for when the next line is.

    `default` turns an object that JSON has no form for into one that has, as in `json.dumps`. `on_error`, for example
    `error_line`, turns an Exception of the source into one last item; the exception is raised after it. Raises
    ChunkTypeError for an item that has no form in JSON, ResponseError for NaN, infinities and what holds itself.
    """
    encode = encoded_items.json_encoder(default)
    return encoded_items.body("ndjson.lines", items, lambda item: encode(item) + b"\n", CONTENT_TYPE, on_error)


def error_line(error: BaseException) -> "dict[str, dict[str, str]]":
    """`{"error": {"errorType": ..., "errorMessage": ...}}`: the reader sees the text of the exception."""
    return {"error": encoded_items.error_fields(error)}
