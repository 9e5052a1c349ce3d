"""Bodies made of items: each item of a source becomes one chunk, and a source that fails can say so in a last one.

That last item tells the reader of an error in the stream itself, where every client can see it. The error is raised all
the same after it, so that it is logged and goes into the HTTP trailers.
"""

from . import lean_json
from .bodies import AsyncTypedBody, TypedBody
from .errors import ChunkTypeError, HandlerError, ResponseError
from .iteration import Iteration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
    from typing import Any, NoReturn

    Encode = Callable[[Any], bytes]
    OnError = Callable[[Exception], object]

# Line breaks for Python's str.splitlines, which some clients cut streams with, and for some versions of Node's
# readline. JSON lets them stand in strings (RFC 8259, section 7) and lets them be escaped.
_UNICODE_LINE_BREAKS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def body(
    maker: str,
    items: "Iterable[Any] | AsyncIterable[Any]",
    encode: "Encode",
    content_type: str,
    on_error: "OnError | None",
) -> "TypedBody | AsyncTypedBody":
    """The items as a body, each encoded when it is asked for. `maker` is what an error message calls the function.

    `on_error` gets the Exception that the source has raised, or an item that cannot be encoded; what it returns is the
    last item, unless it is None. Closing the body closes `items`.
    """
    if hasattr(items, "__aiter__"):
        return AsyncTypedBody(_encode_async(items, encode, on_error), content_type, items)
    # Text, bytes and objects are iterable, but nobody means their characters or keys.
    if isinstance(items, (str, bytes, bytearray, memoryview, dict)) or not hasattr(items, "__iter__"):
        raise ChunkTypeError(
            f"{maker} was given {shown(items)}, of type {type(items).__name__}; give it a generator, "
            "an async generator, a list or another iterable of items"
        )
    return TypedBody(_encode_sync(items, encode, on_error), content_type, items)


def _encode_sync(items: "Iterable[Any]", encode: "Encode", on_error: "OnError | None") -> "Iterator[bytes]":
    with Iteration(items) as source:
        try:
            for item in source:
                yield encode(item)
        except Exception as error:
            last = _last_item(error, encode, on_error)
            if last is not None:
                yield last
            raise


async def _encode_async(items: "Any", encode: "Encode", on_error: "OnError | None") -> "AsyncIterator[bytes]":
    async with Iteration(items) as source:
        try:
            async for item in source:
                yield encode(item)
        except Exception as error:
            last = _last_item(error, encode, on_error)
            if last is not None:
                yield last
            raise


def _last_item(error: Exception, encode: "Encode", on_error: "OnError | None") -> "bytes | None":
    if on_error is None:
        return None
    try:
        item = on_error(error)
        return None if item is None else encode(item)
    except Exception as failure:
        # A log shows the message of the error that ends the stream, and no other: both have to be in it.
        raise HandlerError(
            f"the body failed with {_named(error)}, and then on_error, which was to tell the reader, "
            f"failed with {_named(failure)}"
        ) from failure


def error_fields(error: BaseException) -> "dict[str, str]":
    """The type and the message of `error`, under the names that Lambda gives them."""
    return {"errorType": type(error).__name__, "errorMessage": str(error)}


def json_encoder(default: "Callable[[Any], object] | None") -> "Encode":
    """A function that returns a value as JSON, in UTF-8, without any line break.

    It raises ChunkTypeError for what JSON has no form for and `default` turns into nothing else, and ResponseError for
    NaN, infinities and a value that holds itself.
    """
    write = lean_json.writer(default or _refuse, ascii_only=False, separators=(",", ":"), allow_nan=False)

    def encode(value: object) -> bytes:
        try:
            text = write(value)
        except ValueError as error:
            if str(error).startswith("Out of range float"):  # as json words it
                raise ResponseError(
                    f"{shown(value)} holds NaN or an infinity, which JSON has no form for; send None instead"
                ) from error
            if str(error).startswith("Circular reference"):
                raise ResponseError(f"{shown(value)} holds itself, which JSON has no form for; send a copy") from error
            raise  # of the function's own `default`
        if text.isascii():
            return text.encode()
        for character, escaped in _UNICODE_LINE_BREAKS.items():
            text = text.replace(character, escaped)
        try:
            return text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair: only an escape can say it
            return lean_json.write(value, default or _refuse, separators=(",", ":")).encode()

    return encode


def _refuse(value: object) -> "NoReturn":
    raise ChunkTypeError(
        f"{shown(value)} is a {type(value).__name__}, which JSON has no form for; convert it, or give `default`, "
        "a function that does, such as default=str"
    )


def shown(value: object) -> str:
    """`value` in an error message, cut if it is long."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
