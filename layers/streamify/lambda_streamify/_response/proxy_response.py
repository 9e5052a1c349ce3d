"""Buffered responses, for callers that get no stream: the proxy dict that API Gateway and load balancers read."""

from .._core.iteration import as_bytes
from .._wire.marshal import marshal
from ..errors import ResponseError
from . import sources
from .response import prelude_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from .response import StreamingResponse


def collected_answer(
    route: "sources.Route",
    response: "StreamingResponse",
    chunks: "Sequence[str | bytes]",
    warn: "Callable[[str], object]",
) -> "tuple[bytes, str]":
    """Return a buffered response and its content type: a proxy dict as JSON for HTTP callers, the body for others."""
    if not route.source.is_http:
        return b"".join(map(as_bytes, chunks)), sources.RAW_CONTENT_TYPE
    if route.mode == sources.AUTO:
        warn(f"{route.source.name} callers get no stream: the response is buffered")
    return marshal(proxy_dict(response, chunks, route.header_style))


def proxy_dict(response: "StreamingResponse", chunks: "Sequence[str | bytes]", style: str) -> "dict[str, Any]":
    """Return the whole response as a proxy dict. The body is in base64 unless it is UTF-8.

    `style` is one of the header styles in `sources`.
    """
    fold = style in (sources.COOKIES, sources.SINGLE)
    fields = prelude_fields(response, chunks[0] if chunks else "", fold=fold)
    if style != sources.COOKIES and "cookies" in fields:
        _move_cookies_to_headers(fields, style)
    if style == sources.ALL_REPEATED:
        repeated = fields.get("multiValueHeaders", {})
        fields["multiValueHeaders"] = {**{name: [value] for name, value in fields.pop("headers").items()}, **repeated}
    data = b"".join(map(as_bytes, chunks))
    try:
        return {**fields, "body": data.decode("utf-8"), "isBase64Encoded": False}
    except UnicodeDecodeError:
        from binascii import b2a_base64

        return {**fields, "body": b2a_base64(data, newline=False).decode("ascii"), "isBase64Encoded": True}


def _move_cookies_to_headers(fields: "dict[str, Any]", style: str) -> None:
    """Move the cookies from their own field into headers."""
    cookies = fields.pop("cookies")
    if style == sources.SINGLE:
        fields["headers"].update(zip(_set_cookie_names(len(cookies)), cookies, strict=True))
    else:
        fields.setdefault("multiValueHeaders", {})["set-cookie"] = cookies


def _set_cookie_names(count: int) -> "Iterable[str]":
    """Yield `count` spellings of Set-Cookie that differ in case.

    They are the only way to send several cookies to a load balancer that reads one value per name. Mangum does the same
    in `case_mutated_headers`. Not checked on AWS.
    """
    letters = "setcookie"
    if count > 2 ** len(letters):
        raise ResponseError(
            f"there are {count} cookies; a load balancer accepts at most {2 ** len(letters)}:"
            " enable multi-value headers for the target group"
        )
    for number in range(count):
        word = "".join(c.upper() if number >> place & 1 else c for place, c in enumerate(letters))
        yield f"{word[:3]}-{word[3:]}"
