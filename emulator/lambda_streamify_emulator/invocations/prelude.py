"""The prelude of a streamed HTTP response, read as a function URL reads it: JSON, eight NUL bytes, then the body.

Source: AWS Lambda Developer Guide, "Building a custom runtime: response streaming". How a function URL treats a missing
or broken prelude is not documented: here it is a PreludeError, which the client sees as a 502.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import PreludeError

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = bytes(8)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, section 5.5
LIMIT = 16 * 1024  # as API Gateway has it; function URLs name none


@dataclass(frozen=True)
class Prelude:
    """Status, headers and cookies of a response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[str, ...]


class PreludeParser:
    """Takes the pieces of a body until the prelude is complete."""

    def __init__(self, read: Callable[[Mapping[str, Any]], Prelude] | None = None) -> None:
        """`read` makes a prelude of its fields; without it they are read as a function URL reads them."""
        self._read = read or checked
        self._buffer = bytearray()

    def feed(self, data: bytes) -> tuple[Prelude, bytes] | None:
        """The prelude and the body's first bytes behind it, or None if it needs more."""
        self._buffer += data
        end = self._buffer.find(DELIMITER)
        if 0 <= end <= LIMIT - len(DELIMITER):
            return parse(bytes(self._buffer[:end]), self._read), bytes(self._buffer[end + len(DELIMITER) :])
        if end >= 0 or len(self._buffer) >= LIMIT:
            raise PreludeError(f"no end of the prelude within its first {LIMIT} bytes")
        return None

    def end(self) -> NoReturn:
        """The body is over: too early, or this would not be called."""
        raise PreludeError(f"the response ends after {len(self._buffer)} bytes, before its prelude does")


def parse(data: bytes, read: Callable[[Mapping[str, Any]], Prelude] | None = None) -> Prelude:
    """The prelude in `data`, which ends before the delimiter."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PreludeError(f"the prelude is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise PreludeError(f"the prelude is not a JSON object but {type(fields).__name__}")
    return (read or checked)(fields)


def checked(fields: Mapping[str, Any]) -> Prelude:
    """Status, headers and cookies of `fields`, if they make an HTTP response."""
    status = fields.get("statusCode", 200)
    headers, cookies = fields.get("headers") or {}, fields.get("cookies") or []
    if not isinstance(status, int) or not 200 <= status <= 599:
        # One below announces another response (RFC 9110, section 15.2), and nothing could follow.
        raise PreludeError(f"the response's statusCode is {status!r}, not a number from 200 to 599")
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise PreludeError("the response's headers must be an object, its cookies a list")
    pairs = tuple((name, value if isinstance(value, str) else json.dumps(value)) for name, value in headers.items())
    for name, value in (*pairs, *(("set-cookie", cookie) for cookie in cookies)):
        if not _NAME.fullmatch(name) or not isinstance(value, str) or _CONTROL.search(value):
            raise PreludeError(f"the response's header {name!r} with the value {value!r} is no HTTP header")
    return Prelude(status, pairs, tuple(cookies))
