"""The prelude of a streamed HTTP response, read as a function URL reads it: JSON, eight NUL bytes, then the body.

Source: AWS Lambda Developer Guide, "Building a custom runtime: response streaming". AWS does not document how function
URLs treat a missing or invalid prelude. Here it raises PreludeError, and the client gets status 502.
"""

import json
import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import PreludeError

CONTENT_TYPE = "application/vnd.awslambda.http-integration-response"
DELIMITER = bytes(8)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")  # RFC 9110, section 5.5
PRELUDE_LIMIT_BYTES = 16 * 1024  # API Gateway's limit; none is documented for function URLs


@dataclass(frozen=True)
class Prelude:
    """The status, headers and cookies of a response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    cookies: tuple[str, ...]


class PreludeParser:
    """Reads the prelude from the first pieces of a body."""

    def __init__(self, read: Callable[[Mapping[str, Any]], Prelude] | None = None) -> None:
        """`read` converts the fields of the JSON object to a Prelude; the default is `read_fields`."""
        self._read = read or read_fields
        self._buffer = bytearray()

    def feed(self, data: bytes) -> tuple[Prelude, bytes] | None:
        """Add a piece; return the prelude and the first bytes of the body, or None if the prelude is not complete.

        Raises PreludeError if the prelude is invalid or too large.
        """
        self._buffer += data
        end = self._buffer.find(DELIMITER)
        if 0 <= end <= PRELUDE_LIMIT_BYTES - len(DELIMITER):
            return parse(bytes(self._buffer[:end]), self._read), bytes(self._buffer[end + len(DELIMITER) :])
        if end >= 0 or len(self._buffer) >= PRELUDE_LIMIT_BYTES:
            raise PreludeError(f"no end of the prelude within its first {PRELUDE_LIMIT_BYTES} bytes")
        return None

    def end(self) -> NoReturn:
        """Raise PreludeError: the response has ended before the prelude is complete."""
        raise PreludeError(f"the response ends after {len(self._buffer)} bytes, before its prelude does")


def parse(data: bytes, read: Callable[[Mapping[str, Any]], Prelude] | None = None) -> Prelude:
    """Return the prelude in `data`, the bytes before the delimiter. Raises PreludeError if it is invalid."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise PreludeError(f"the prelude is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise PreludeError(f"the prelude is not a JSON object but {type(fields).__name__}")
    return (read or read_fields)(fields)


def read_fields(fields: Mapping[str, Any]) -> Prelude:
    """Return the status, headers and cookies of `fields`. Raises PreludeError if they are not valid in HTTP."""
    status = fields.get("statusCode", 200)
    headers, cookies = fields.get("headers") or {}, fields.get("cookies") or []
    if not isinstance(status, int) or not 200 <= status <= 599:
        # A status below 200 announces another response (RFC 9110, section 15.2), and Lambda cannot send one.
        raise PreludeError(f"the response's statusCode is {reprlib.repr(status)}, not a number from 200 to 599")
    if not isinstance(headers, dict) or not isinstance(cookies, list):
        raise PreludeError("the response's headers must be an object, its cookies a list")
    pairs = tuple((name, value if isinstance(value, str) else json.dumps(value)) for name, value in headers.items())
    for name, value in (*pairs, *(("set-cookie", cookie) for cookie in cookies)):
        if not _NAME.fullmatch(name) or not isinstance(value, str) or _CONTROL.search(value):
            raise PreludeError(f"the response's header {name!r} with the value {value!r} is not a valid HTTP header")
    return Prelude(status, pairs, tuple(cookies))
