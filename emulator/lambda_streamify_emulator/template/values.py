"""Checks values in a template. Each error message begins with `where`, which names the place of the value."""

import re
from typing import Any

from ..errors import TemplateError
from .intrinsics import text, unresolved

IMPOSSIBLE = re.compile(r"[\0\ud800-\udfff]")
"""Characters that no environment variable can contain."""
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # AWS Lambda API Reference, "Environment"
_NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")


def kind(value: Any) -> str:
    """Return the kind of `value` for a message."""
    if value is None:
        return "nothing"
    kinds: dict[type, str] = {dict: "a mapping", list: "a list", str: "text"}
    return kinds.get(type(value), f"the value {value}")


def mapping(where: str, value: Any) -> dict[str, Any]:
    """Return `value`, which must be a mapping; an empty one if it is None."""
    if value is not None and not isinstance(value, dict):
        raise TemplateError(f"{where}: it is {kind(value)} instead of a mapping")
    return value or {}


def number(where: str, key: str, value: Any, unit: str) -> int:
    """Return `value`, which must be a whole number above 0, also as text."""
    if isinstance(value, (int, str)) and not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
        return int(value)
    raise TemplateError(f"{where}: {key}: {unresolved(value) or repr(value)} is not a number of {unit}")


def variable(where: str, name: Any, value: Any) -> str:
    """Return the value of an environment variable as text."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):  # YAML reads a bare YES as a boolean
        raise TemplateError(f"{where}: {name!r} is not a name of letters, digits and _ for a variable")
    if value is None or isinstance(value, list):
        raise TemplateError(f"{where}: {name}: it is {kind(value)} instead of text")
    if IMPOSSIBLE.search(text(value)):
        raise TemplateError(f"{where}: {name}: it contains a character that a variable cannot hold")
    return text(value)
