"""Events and results as JSON, the way AWS's Python runtime reads and writes them (observed with awslambdaric 4.2.2)."""

import json
import os

from .errors import RuntimeFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def unmarshal(body: bytes, content_type: "str | None") -> "Any":
    """The event: parsed if it is exactly `application/json`, else the bytes."""
    if content_type != "application/json":
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RuntimeFault("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def marshal(value: object) -> "tuple[bytes, str]":
    """A result and its content type: JSON, or the handler's own bytes untouched."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    try:
        return to_json(value).encode("utf-8"), "application/json"
    except (TypeError, ValueError, RecursionError) as error:
        raise RuntimeFault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def to_json(value: object) -> str:
    """`value` as JSON text; escaped to ASCII, as AWS does it, before Python 3.12 only."""
    return json.dumps(value, ensure_ascii=os.environ.get("AWS_EXECUTION_ENV") not in _UNESCAPED, default=_default)


_UNESCAPED = {f"AWS_Lambda_python3.{minor}" for minor in range(12, 16)}


def _default(value: object) -> object:
    if isinstance(value, bytes):
        return value.decode("utf-8")
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
