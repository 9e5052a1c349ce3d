"""Events and results as JSON, the way AWS's Python runtime reads and writes them (observed with awslambdaric 4.2.2).

AWS's runtime uses simplejson, this one the standard library's json. Where they write different text, the value is
changed first: bytes become text, what has `_asdict` (a namedtuple) becomes an object, a Decimal keeps its digits.
"""

import os
import sys
from marshal import dumps

from . import lean_json
from .errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def unmarshal(body: bytes, content_type: "str | None") -> "Any":
    """The event: parsed if it is exactly `application/json`, else the bytes."""
    if content_type != "application/json":
        return body
    if body.startswith(b"\xef\xbb\xbf"):  # a byte order mark, which simplejson passes over
        body = body[3:]
    try:
        return lean_json.parse(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RuntimeFault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def marshal(value: object) -> "tuple[bytes, str]":
    """A result and its content type: JSON, or the handler's own bytes untouched."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        return to_json(value).encode("utf-8"), "application/json"
    except Exception as error:  # a dict's own `items` or an `_asdict` may raise anything
        raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


_UNESCAPED = {f"AWS_Lambda_python3.{minor}" for minor in range(12, 16)}


def to_json(value: object) -> str:
    """`value` as JSON text; escaped to ASCII, as AWS does it, before Python 3.12 only."""
    try:
        dumps(value)  # type: ignore[arg-type]  # fails on what is not exactly of a built-in type, faster than any look
    except ValueError:
        value = _converted(value)
    try:
        return _encode(value)
    except TypeError:  # of the built-in types, bytes for a key
        return _encode(_converted(value))


def _encode(value: object) -> str:
    # json writes what its hook returns as JSON again, so a number's own digits have to pass as a string. It is marked
    # by what no value can hold, since nobody knows it, and loses its quotes afterwards.
    mark = os.urandom(12).hex()
    decimal = sys.modules.get("decimal")  # not imported, it has made no number

    def default(part: "Any") -> object:
        if decimal and isinstance(part, decimal.Decimal):
            return float("nan") if part.is_nan() else f"{mark}{part}{mark}"
        if isinstance(part, bytes):
            return part.decode("utf-8")
        raise TypeError(f"Object of type {type(part).__name__} is not JSON serializable")

    ascii_only = os.environ.get("AWS_EXECUTION_ENV") not in _UNESCAPED
    text = lean_json.write(value, default, ascii_only=ascii_only)
    return text.replace(f'"{mark}', "").replace(f'{mark}"', "") if mark in text else text


def _converted(value: object) -> object:
    """`value` with objects for what has `_asdict`, and text for keys in bytes: json has no hook for either."""
    if callable(getattr(value, "_asdict", None)) and not isinstance(value, type):
        value = _fields(value)
    if isinstance(value, dict):
        # Neither encoder asks an empty one for its items.
        return {_key(key): _converted(part) for key, part in value.items()} if len(value) else {}
    return [_converted(part) for part in value] if isinstance(value, (list, tuple)) else value


def _key(key: object) -> object:
    return key.decode("utf-8") if isinstance(key, bytes) else key


def _fields(value: "Any") -> "dict[str, Any]":
    fields = value._asdict()
    if not isinstance(fields, dict):
        raise TypeError(f"_asdict() must return a dict, not {type(fields).__name__}")
    return fields
