"""Routes as templates declare them: their methods, paths and timeouts, and reasons why one is not served."""

from typing import Any

from ..errors import TemplateError
from .apis import FORMAT_1, FORMAT_2, METHODS, TIMEOUT_LIMIT_S
from .values import number

TIMEOUT_MIN_MS = 50


class UnservedError(Exception):
    """A route is valid, but the emulator does not serve it."""


def path_of(where: str, value: Any) -> str:
    """Return the path of a route, which begins with a slash."""
    if not isinstance(value, str) or not value.startswith("/"):
        raise TemplateError(f"{where}: Path: {value!r} does not begin with /")
    return value


def method_of(where: str, value: Any) -> str:
    """Return the method of a route in capital letters, or ANY."""
    method = str(value).upper()
    if method not in METHODS:
        raise TemplateError(f"{where}: Method: {value!r} is not one of {', '.join(METHODS)}")
    return method


def timeout_of(where: str, key: str, value: Any, default: float, limit: int = TIMEOUT_LIMIT_S) -> float:
    """Return an integration timeout, which stands in milliseconds, in seconds."""
    if value is None or isinstance(value, dict):  # an unresolved value is reported elsewhere
        return default
    milliseconds = number(where, key, value, "milliseconds")
    if not TIMEOUT_MIN_MS <= milliseconds <= limit * 1000:
        raise TemplateError(f"{where}: {key}: {milliseconds} is not from {TIMEOUT_MIN_MS} to {limit * 1000}")
    return milliseconds / 1000


def format_of(where: str, value: Any) -> str:
    """Return the version of the format of an HTTP API's events."""
    version = FORMAT_2 if value is None else str(value)
    if version not in (FORMAT_1, FORMAT_2):
        raise TemplateError(f"{where}: PayloadFormatVersion: {version} is not {FORMAT_1} or {FORMAT_2}")
    return version
