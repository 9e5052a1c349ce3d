"""What a template may hold in one place, checked: each message begins with `where`, which names that place."""

import re
from pathlib import Path
from typing import Any

from .errors import TemplateError
from .intrinsics import text

IMPOSSIBLE = re.compile(r"[\0\ud800-\udfff]")
"""What no environment variable can hold."""
_VARIABLE = re.compile(r"[A-Za-z_]\w*", re.ASCII)  # AWS Lambda API Reference, "Environment"
_NUMBER = re.compile(r"0*[1-9][0-9]{0,8}")


def kind(value: Any) -> str:
    """What `value` is, in the words of a message."""
    if value is None:
        return "nothing"
    kinds: dict[type, str] = {dict: "a mapping", list: "a list", str: "text"}
    return kinds.get(type(value), f"the value {value}")


def mapping(where: str, value: Any) -> dict[str, Any]:
    """`value`, which may be left out but must be a mapping."""
    if value is not None and not isinstance(value, dict):
        raise TemplateError(f"{where}: it is {kind(value)} instead of a mapping")
    return value or {}


def number(where: str, key: str, value: Any, unit: str) -> int:
    """`value`, which must be a whole number above 0; it may be written as text."""
    if isinstance(value, (int, str)) and not isinstance(value, bool) and _NUMBER.fullmatch(str(value)):
        return int(value)
    raise TemplateError(f"{where}: {key}: {value!r} is not a number of {unit}")


def variable(where: str, name: Any, value: Any) -> str:
    """The value of an environment variable as text."""
    if not isinstance(name, str) or not _VARIABLE.fullmatch(name):  # YAML reads a bare YES as a boolean
        raise TemplateError(f"{where}: {name!r} is not a name of letters, digits and _ for a variable")
    if value is None or isinstance(value, list):
        raise TemplateError(f"{where}: {name}: it is {kind(value)} instead of text")
    if IMPOSSIBLE.search(text(value)):
        raise TemplateError(f"{where}: {name}: a character of it is none that a variable can hold")
    return text(value)


def folder(path: Path, logical_id: str, key: str, value: Any) -> Path:
    """The folder that the property `key` of a resource names, relative to the template at `path`."""
    if not isinstance(value, str):
        raise TemplateError(f"{path}: {logical_id}: it has no {key} that is a folder on this machine")
    named = path.parent / value
    if not named.is_dir():
        raise TemplateError(f"{path}: {logical_id}: its {key} {value} is not a folder")
    return named.resolve()
