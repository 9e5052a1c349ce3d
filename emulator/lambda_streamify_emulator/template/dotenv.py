"""Reads environment variables from a file in dotenv form.

The form has no specification. What is read here is what these readers of it have in common:
https://github.com/motdotla/dotenv and python-dotenv. References to other variables are not replaced.
"""

import re
from pathlib import Path

from ..errors import EmulatorError

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_ASSIGNMENT = re.compile(
    r"""
    [^\S\n]*(?:export[^\S\n]+)?
    (?P<name>[A-Za-z_][A-Za-z0-9_]*)[^\S\n]*=[^\S\n]*
    (?:
        '(?P<literal>[^']*)'                   # may have several lines
      | "(?P<quoted>(?:[^"\\]|\\.)*)"          # may have several lines, and escapes
      | (?P<plain>(?:[^\s#'"](?:[^\n#]|(?<=\S)\#)*)?)
    )
    [^\S\n]*(?:\#[^\n]*)?(?:\n|\Z)
    """,
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_EMPTY = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|\Z)")


def read_env_file(file: Path) -> dict[str, str]:
    """Return the variables in `file` by their names. Raises EmulatorError if it cannot be read."""
    try:
        text = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise EmulatorError(f"{file}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise EmulatorError(f"{file}: it is not UTF-8 text: {error.reason} at byte {error.start}") from error
    return _parse(file, text)


def _parse(file: Path, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _ASSIGNMENT.match(text, at)
        if match is not None:
            found[match["name"]] = _value(match)
        else:
            match = _EMPTY.match(text, at)
        if match is None:
            number = text.count("\n", 0, at) + 1
            raise EmulatorError(f"{file}: line {number}: write it as NAME=VALUE, the value in quotes if need be")
        at = match.end()
    return found


def _value(match: re.Match[str]) -> str:
    if match["literal"] is not None:
        return match["literal"]
    if match["quoted"] is not None:
        return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), match["quoted"], flags=re.DOTALL)
    return match["plain"].rstrip()
