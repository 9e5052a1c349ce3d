"""A response in one piece, for callers that get no stream: the dict that API Gateway and load balancers read."""

from . import sources
from .errors import ResponseError
from .response import as_bytes, prelude_fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from .response import StreamingResponse


def proxy_dict(response: "StreamingResponse", chunks: "Sequence[str | bytes]", style: str) -> "dict[str, Any]":
    """The whole response, its headers in `style`, one of those in `sources`; the body in base64 if it is not text."""
    fold = style in (sources.COOKIES, sources.SINGLE)
    fields = prelude_fields(response, chunks[0] if chunks else "", fold=fold)
    if style != sources.COOKIES and "cookies" in fields:
        _spell_cookies(fields, style)
    if style == sources.ALL_REPEATED:
        repeated = fields.get("multiValueHeaders", {})
        fields["multiValueHeaders"] = {**{name: [value] for name, value in fields.pop("headers").items()}, **repeated}
    data = b"".join(map(as_bytes, chunks))
    try:
        return {**fields, "body": data.decode("utf-8"), "isBase64Encoded": False}
    except UnicodeDecodeError:
        from binascii import b2a_base64

        return {**fields, "body": b2a_base64(data, newline=False).decode("ascii"), "isBase64Encoded": True}


def _spell_cookies(fields: "dict[str, Any]", style: str) -> None:
    """Make headers of the cookies."""
    cookies = fields.pop("cookies")
    if style == sources.SINGLE:
        fields["headers"].update(zip(_spellings(len(cookies)), cookies, strict=True))
    else:
        fields.setdefault("multiValueHeaders", {})["set-cookie"] = cookies


def _spellings(count: int) -> "Iterable[str]":
    """So many names for the same header: the one way to send it several times to who reads one value a name.

    As Mangum does in `case_mutated_headers`. Not checked on AWS.
    """
    letters = "setcookie"
    if count > 2 ** len(letters):
        raise ResponseError(f"there are {count} cookies; a load balancer takes {2 ** len(letters)} at the most")
    for number in range(count):
        word = "".join(c.upper() if number >> place & 1 else c for place, c in enumerate(letters))
        yield f"{word[:3]}-{word[3:]}"
