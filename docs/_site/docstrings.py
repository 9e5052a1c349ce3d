"""An extension of Griffe: the project's docstrings, which are written for `help()`, as Markdown.

A docstring describes parameters and fields in lines of a name, two spaces or more, and a text, whose further lines are
indented. Each such paragraph becomes a list.
"""

import re
from itertools import groupby
from typing import Any

from griffe import Extension, Object

ENTRY = re.compile(r"(\w[\w.]*(?:, \w[\w.]*)*) {2,}(\S.*)")


class Docstrings(Extension):
    """Rewrites each docstring once, when its object has been read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Make Markdown of the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(docstring: str) -> str:
    """Return the docstring with its tables of names as lists."""
    lines: list[str] = []
    for is_blank, paragraph in groupby(docstring.splitlines(), key=lambda line: not line.strip()):
        lines += paragraph if is_blank else _with_lists(list(paragraph))
    return "\n".join(lines)


def _with_lists(paragraph: list[str]) -> list[str]:
    """Return a paragraph as a list if its first line is an entry, and each other is one or continues one."""
    if not ENTRY.fullmatch(paragraph[0]) or not all(
        line.startswith(" ") or ENTRY.fullmatch(line) for line in paragraph
    ):
        return paragraph
    entries: list[str] = []
    for line in paragraph:
        entry = ENTRY.fullmatch(line)
        entries.append(f"* `{entry[1]}`: {entry[2]}" if entry else f"    {line.strip()}")
    return entries
