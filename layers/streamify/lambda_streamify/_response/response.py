"""What a handler returned, as a response that can be sent.

A stream is recognised by the object that was returned, never by the function that returned it: decorators hide
whether that is a generator function.
"""

from .._core.fast_json import WithoutJson
from .._core.iteration import as_bytes
from ..errors import ResponseError
from .header_fields import DROPPED, LOWER_NAMES, checked, checked_list, lower_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Mapping
    from typing import Any, NoReturn, Protocol

    class Readable(Protocol):
        """A file-like object, such as an open file or botocore's StreamingBody."""

        def read(self, size: int, /) -> str | bytes | None:
            """Return at most `size` bytes or characters, and an empty value at the end."""

    Chunk = str | bytes | bytearray | memoryview
    Body = Iterable[Chunk] | AsyncIterable[Chunk] | Readable

# Without it, web frameworks would write the attributes of a StreamingResponse as JSON, and read the body for that.
_WITHOUT_JSON = WithoutJson(
    "a StreamingResponse cannot be written as JSON: return it from the handler itself; in a route of Powertools' event"
    " handler, use the class that `from lambda_streamify.powertools import StreamingResponse` imports"
)


class StreamingResponse:
    """A response whose body is sent chunk by chunk, as the body produces the chunks.

        def handler(event, context):
            return StreamingResponse(rows(), content_type="text/csv")

    body          a generator, an async generator or another iterable of str or bytes-like chunks, or a file-like
                  object; str is sent as UTF-8
    status_code   an int from 100 to 599
    headers       names and values; a value is a str, an int, a float or a bool
    cookies       values of Set-Cookie headers, such as "a=1; Secure"
    content_type  the Content-Type header; it goes before one in `headers`. Without either, the body's own type
                  counts, or else the type of the first chunk: text/plain in UTF-8 for str, application/octet-stream
                  for bytes
    eager         whether status and headers leave before the first chunk exists. An error before the first chunk then
                  no longer becomes a 502.

    A wrong status, header or cookie raises ResponseError before anything is sent.
    """

    def __init__(
        self,
        body: "Body | Chunk",
        status_code: int = 200,
        headers: "Mapping[str, str | float | bool] | None" = None,
        cookies: "Iterable[str] | str | None" = None,
        content_type: "str | None" = None,
        *,
        eager: bool = False,
    ) -> None:
        self._json = _WITHOUT_JSON  # before the body: encoders read the attributes in this order
        # Text and bytes are iterable, but a response is never meant character by character.
        if isinstance(body, (str, bytes, bytearray, memoryview)):
            body = (body,)
        elif hasattr(body, "read"):
            body = _blocks_of(body)
        self.body: Iterable[Chunk] | AsyncIterable[Chunk] = body  # type: ignore[assignment]
        self.status_code: int | str = status_code
        self.headers: dict[str, Any] = {} if headers is None else _fields_of("headers", headers)
        if content_type is not None:
            for name in [name for name in self.headers if str(name).lower() == "content-type"]:
                del self.headers[name]
            self.headers["content-type"] = content_type
        self.multi_value_headers: Mapping[str, Iterable[Any]] = {}
        self.cookies = (
            [] if cookies is None else [cookies] if isinstance(cookies, str) else _list_of("cookies", cookies)
        )
        self.eager = eager
        # Whether the handler returned the body alone. A value that a bare generator returns before its first chunk is
        # the answer, as if the handler had returned it.
        self.is_bare = False
        if hasattr(self.body, "take_headers"):  # a body whose records depend on the content type
            self.body.take_headers(self.headers)

    @property
    def json(self) -> "NoReturn":
        """Raise TypeError. Encoders read this attribute of an object that may be a Pydantic model."""
        _WITHOUT_JSON.keys()


def is_stream(value: object) -> bool:
    """Whether `value` is produced piece by piece: an iterator, sync or async, a file, or a body that writes itself."""
    return (
        hasattr(value, "__next__")
        or hasattr(value, "__anext__")
        or callable(getattr(value, "read", None))
        or hasattr(value, "write_to")
        or hasattr(value, "awrite_to")
    )


def _blocks_of(body: "Any") -> "Any":
    """A file as blocks of bytes, since its lines may have any length; any other body unchanged."""
    if is_async(body) or not callable(getattr(body, "read", None)):
        return body
    from .._core.files import FileBody

    return FileBody(body)


def as_stream(result: object) -> "StreamingResponse | None":
    """The response that `result` stands for if it streams; None for a plain value."""
    if isinstance(result, StreamingResponse):
        return result
    if type(result) is not dict and is_stream(result):
        response = StreamingResponse(result)  # type: ignore[arg-type]
        response.is_bare = True
        return response
    if isinstance(result, dict) and is_stream(result.get("body")):
        if result.get("isBase64Encoded"):
            raise ResponseError(
                "isBase64Encoded is set on a body that streams: yield the bytes themselves and leave the flag out"
            )
        return _from_proxy_dict(result, result["body"])
    return None


def as_http(value: object, to_json: "Callable[[object], bytes]") -> StreamingResponse:
    """A plain value as the HTTP response that Lambda's rules infer from it; the body is one chunk of bytes.

    With `statusCode` it is a response; without, it is the body: 200, application/json, a string unquoted (AWS Lambda
    Developer Guide, "Invoking Lambda function URLs", response payload format).
    """
    if isinstance(value, dict) and "statusCode" in value:
        response = _from_proxy_dict(value, ())
        body = value.get("body")
        if body is None:
            body = ""
        elif value.get("isBase64Encoded"):
            body = _decode_base64(body)
    else:
        response, body = StreamingResponse(()), value
    if not _has(response, "content-type") and status_code(response) not in NO_BODY:
        response.headers["content-type"] = "application/json"
    data = as_bytes(body) if isinstance(body, (str, bytes)) else to_json(body)
    response.body = iter((data,) if data else ())
    return response


def _from_proxy_dict(result: "Mapping[str, Any]", body: "Body") -> StreamingResponse:
    response = StreamingResponse(body, result.get("statusCode", 200), result.get("headers"), result.get("cookies"))
    if result.get("multiValueHeaders") is not None:
        response.multi_value_headers = _fields_of("multiValueHeaders", result["multiValueHeaders"])
    return response


def _fields_of(name: str, value: "Mapping[str, Any]") -> "dict[str, Any]":
    if not hasattr(value, "items"):
        raise ResponseError(f"{name} is a {type(value).__name__}; it must be an object of names and values")
    return dict(value.items())


def _list_of(name: str, value: "Iterable[str]") -> "list[str]":
    if not hasattr(value, "__iter__"):
        raise ResponseError(f"{name} is a {type(value).__name__}; it must be a list of strings")
    return list(value)


def _decode_base64(body: "str | bytes") -> bytes:
    from binascii import Error, a2b_base64

    try:
        return a2b_base64(body)
    except (Error, TypeError, ValueError) as error:
        raise ResponseError(f"isBase64Encoded is set, but the body is not base64: {error}") from error


def is_async(body: object) -> bool:
    """Whether a body is iterated in the event loop."""
    return hasattr(body, "__aiter__")


def keepable(chunk: object) -> "str | bytes":
    """A copy of the chunk: a body may fill the same buffer again for the next one."""
    return chunk if isinstance(chunk, str) else bytes(as_bytes(chunk))


# --- status, headers and cookies -------------------------------------------------------------------------------------

# Status codes without a body, and so without a type: a cache would take the type of a 304 for the type of what it has
# stored (RFC 9111, section 3.2).
NO_BODY = (204, 304)


def prelude_fields(response: StreamingResponse, first: "object", *, fold: bool) -> "dict[str, Any]":
    """Status, headers and cookies, checked and cleaned, as the prelude's JSON object.

    `first` is the first chunk, or "" if there is none: it decides the content type of a response that names none.
    With `fold`, repeated headers become one; without, they stay repeated (only API Gateway understands that).
    """
    status, has_type = status_code(response), False
    headers: dict[str, str] = {}
    fields: dict[str, Any] = {"statusCode": status, "headers": headers}
    cookies = [checked("cookie", cookie) for cookie in response.cookies] if response.cookies else []
    for name, value in response.headers.items():
        lower = LOWER_NAMES.get(name) or lower_name(name)
        if lower == "set-cookie":
            cookies.append(checked(name, value))
        elif lower not in DROPPED:
            headers[name] = value if type(value) is str and value.isprintable() else checked(name, value)
            has_type = has_type or lower == "content-type"
    if response.multi_value_headers:
        repeated = _repeated_fields(response, cookies)
        has_type = has_type or "content-type" in map(lower_name, repeated)
        if fold:
            headers.update({name: ", ".join(values) for name, values in repeated.items()})
        elif repeated:
            fields["multiValueHeaders"] = repeated
    if not has_type and status not in NO_BODY:
        content_type = getattr(response.body, "content_type", None)  # of a body that knows what it holds
        if not isinstance(content_type, str):
            content_type = "text/plain; charset=utf-8" if isinstance(first, str) else "application/octet-stream"
        headers["content-type"] = checked("content-type", content_type)
    if cookies:
        fields["cookies"] = cookies
    return fields


def _repeated_fields(response: StreamingResponse, cookies: "list[str]") -> "dict[str, list[str]]":
    """Return the headers with several values, and add those of Set-Cookie to `cookies`."""
    repeated = {}
    for name, values in response.multi_value_headers.items():
        lower = lower_name(name)
        if lower == "set-cookie":
            cookies += checked_list(name, values)
        elif lower not in DROPPED:
            repeated[name] = checked_list(name, values)
    return repeated


def status_code(response: StreamingResponse) -> int:
    """The status as a number from 100 to 599."""
    value = getattr(response.body, "response_status", None) or response.status_code
    if type(value) is int and 100 <= value <= 599:
        return value
    try:
        status = int(value) if isinstance(value, str) and value.isdecimal() else value
        if isinstance(status, int) and not isinstance(status, bool) and 100 <= status <= 599:
            return int(status)
    except ValueError:
        pass
    raise ResponseError(f"the status code is {value!r}; it must be a number from 100 to 599")


def summary(response: "StreamingResponse | None") -> "dict[str, Any] | None":
    """A response that was sent, for whatever wraps the handler: status, headers and an empty body."""
    if response is None:
        return None
    return {"statusCode": status_code(response), "headers": dict(response.headers), "body": ""}


def has_no_body(response: StreamingResponse, method: str) -> bool:
    """Whether HTTP forbids this response a body (RFC 9110, section 6.4.1)."""
    return method == "HEAD" or status_code(response) in NO_BODY


def _has(response: StreamingResponse, name: str) -> bool:
    return any(str(key).lower() == name for key in (*response.headers, *response.multi_value_headers))
