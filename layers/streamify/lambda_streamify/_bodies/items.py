"""Bodies made of items: each item of a source becomes one chunk.

A source that fails can send one last item that reports the error in the stream itself, where every client sees it. The
error is raised after that item, so it is logged too, and goes into the HTTP trailers.
"""

from .._core import fast_json
from .._core.iteration import Iteration
from ..errors import ChunkTypeError, HandlerError, ResponseError
from .bodies import AsyncTypedBody, TypedBody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Generator, Iterable
    from typing import Any, NoReturn

    Encode = Callable[[Any], bytes]
    OnError = Callable[[Exception], object]

# Python's str.splitlines, which some clients split streams with, and some versions of Node's readline take these for
# line breaks. JSON allows them in strings, escaped or not (RFC 8259, section 7).
_UNICODE_LINE_BREAKS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def encode_items(
    maker: str,
    items: "Iterable[Any] | AsyncIterable[Any]",
    encode: "Encode",
    content_type: str,
    on_error: "OnError | None",
    *,
    first: bytes = b"",
    done: object = None,
) -> "TypedBody | AsyncTypedBody":
    """A body that encodes each item when it is due. `maker` is the name of the public function for error messages.

    `first` is sent before the source is asked, and the item `done` after a source that has not failed. `on_error` gets
    the Exception that the source raised, or the one that an item without an encoding raised. It returns the last item,
    or None for none. Closing the body closes `items`.
    """
    if hasattr(items, "__aiter__"):
        return AsyncTypedBody(_encode_async(items, encode, on_error, first, done), content_type, items)
    # Text, bytes and objects are iterable, but a source is never meant as their characters or keys.
    if isinstance(items, (str, bytes, bytearray, memoryview, dict)) or not hasattr(items, "__iter__"):
        raise ChunkTypeError(
            f"{maker} was given {shown(items)}, of type {type(items).__name__}; give it a generator, "
            "an async generator, a list or another iterable of items"
        )
    return TypedBody(_encode_sync(items, encode, on_error, first, done), content_type, items)


def _encode_sync(
    items: "Iterable[Any]", encode: "Encode", on_error: "OnError | None", first: bytes, done: object
) -> "Generator[bytes, None, object]":
    with Iteration(items) as source:
        if first:
            yield first
        try:
            returned: object = yield from map(encode, source)
            if done is not None and returned is None:  # a generator that returns a value may mean another response
                yield encode(done)
        except Exception as error:
            last = _last_item(error, encode, on_error)
            if last is not None:
                yield last
            raise
        return returned


async def _encode_async(
    items: "Any", encode: "Encode", on_error: "OnError | None", first: bytes, done: object
) -> "AsyncIterator[bytes]":
    async with Iteration(items) as source:
        if first:
            yield first
        try:
            async for item in source:
                yield encode(item)
            if done is not None:
                yield encode(done)
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
        # A log shows only the message of the error that ends the stream, so it has to name both.
        raise HandlerError(
            f"the body failed with {_named(error)}, and then on_error, which reports it to the reader, "
            f"failed with {_named(failure)}"
        ) from failure


def error_fields(error: BaseException) -> "dict[str, str]":
    """The type and the message of `error`, under the names that Lambda uses."""
    return {"errorType": type(error).__name__, "errorMessage": str(error)}


def json_encoder(default: "Callable[[Any], object] | None") -> "Encode":
    """A function that returns a value as JSON, in UTF-8 and without line breaks.

    It raises ChunkTypeError for a value that neither JSON nor `default` has a form for, and ResponseError for NaN, an
    infinity or a value that contains itself.
    """
    write = fast_json.writer(default or _refuse, ascii_only=False, separators=(",", ":"), allow_nan=False)

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
        except StopIteration as error:
            raise RuntimeError("`default` has raised StopIteration, which does not end the items") from error
        if text.isascii():
            return text.encode()
        for character, escaped in _UNICODE_LINE_BREAKS.items():
            text = text.replace(character, escaped)
        try:
            return text.encode()
        except UnicodeEncodeError:  # half of a surrogate pair, which only an escape can express
            return fast_json.write(value, default or _refuse, separators=(",", ":")).encode()

    return encode


def _refuse(value: object) -> "NoReturn":
    raise ChunkTypeError(
        f"{shown(value)} is a {type(value).__name__}, which JSON has no form for; convert it, or give `default`, "
        "a function that does, such as default=str"
    )


def shown(value: object) -> str:
    """The text of `value` for an error message, shortened if it is long."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
