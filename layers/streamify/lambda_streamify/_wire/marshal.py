"""Events and results as JSON, read and written as AWS's Python runtime does (observed with awslambdaric 4.2.2).

AWS's runtime uses simplejson, this one the standard library's json. Where the two write different text, the value is
converted first: bytes become text, an object with `_asdict` (a namedtuple) becomes a dict, a Decimal keeps its digits.
"""

import os
import sys
from marshal import dumps

from .._core import fast_json
from ..errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def unmarshal(body: bytes, content_type: "str | None") -> "Any":
    """Return the event: parsed if its content type is exactly `application/json`, else the bytes."""
    if content_type != "application/json":
        return body
    if body.startswith(b"\xef\xbb\xbf"):  # a byte order mark, which simplejson skips
        body = body[3:]
    try:
        return fast_json.parse(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise RuntimeFault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def marshal(value: object) -> "tuple[bytes, str]":
    """Return the body and the content type for a result: JSON, or the unchanged bytes if the handler returned bytes."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        return to_json(value).encode("utf-8"), "application/json"
    except Exception as error:  # the `items` or `_asdict` of a user's class may raise anything
        raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def report_json(report: "Mapping[str, Any]") -> bytes:
    """Return the report of an error as JSON. Half of a surrogate pair in it is replaced."""
    return to_json(report).encode("utf-8", "replace")


_UNESCAPED = {f"AWS_Lambda_python3.{minor}" for minor in range(12, 16)}


def to_json(value: object) -> str:
    """Return `value` as JSON text. As on AWS, only Python before 3.12 escapes it to ASCII."""
    try:
        # The fastest check that every part is exactly of a built-in type: `dumps` fails on any other.
        dumps(value)  # type: ignore[arg-type]
    except ValueError:
        value = _convert(value)
    try:
        return _encode(value)
    except TypeError:  # a key may be bytes, a built-in type too
        return _encode(_convert(value))


def _encode(value: object) -> str:
    # json encodes the return value of its hook, so the digits of a Decimal must pass as a string. A random mark
    # around them shows which quotes to remove afterwards. No value can contain the mark, since nobody can know it.
    mark = os.urandom(12).hex()
    decimal = sys.modules.get("decimal")  # if nobody imported it, no value is a Decimal

    def default(part: "Any") -> object:
        if decimal and isinstance(part, decimal.Decimal):
            return float("nan") if part.is_nan() else f"{mark}{part}{mark}"
        if isinstance(part, bytes):
            return part.decode("utf-8")
        raise TypeError(f"Object of type {type(part).__name__} is not JSON serializable")

    ascii_only = os.environ.get("AWS_EXECUTION_ENV") not in _UNESCAPED
    text = fast_json.write(value, default, ascii_only=ascii_only)
    return text.replace(f'"{mark}', "").replace(f'{mark}"', "") if mark in text else text


def _convert(value: object) -> object:
    """Return `value` with `_asdict` applied and bytes keys decoded, both of which json has no hook for."""
    if callable(getattr(value, "_asdict", None)) and not isinstance(value, type):
        value = _fields(value)
    if isinstance(value, dict):
        # Neither json nor simplejson calls `items` of an empty dict.
        return {_key(key): _convert(part) for key, part in value.items()} if len(value) else {}
    return [_convert(part) for part in value] if isinstance(value, (list, tuple)) else value


def _key(key: object) -> object:
    return key.decode("utf-8") if isinstance(key, bytes) else key


def _fields(value: "Any") -> "dict[str, Any]":
    fields = value._asdict()
    if not isinstance(fields, dict):
        raise TypeError(f"_asdict() must return a dict, not {type(fields).__name__}")
    return fields
