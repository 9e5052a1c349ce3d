"""An extension of Griffe: the project's docstrings, which are written for `help()`, as Markdown.

Parameters and fields stand in lines of a name, two spaces or more, and a text, whose further lines are indented. Such a
paragraph becomes a list. What is indented as a whole becomes a block of code.
"""

import ast
import re
from textwrap import dedent
from typing import Any

from griffe import Extension, Object

ENTRY = re.compile(r"(\w[\w.]*(?:, \w[\w.]*)*)(?: {2,}(\S.*))?")  # a long name stands in a line of its own


class Docstrings(Extension):
    """Rewrites each docstring once, when its object has been read."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Make Markdown of the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)


def as_markdown(docstring: str) -> str:
    """Return the docstring with its tables of names as lists, and its examples as fenced code."""
    blocks: list[str] = []
    for block in re.split(r"\n{2,}(?=\S)", docstring.strip()):
        text, *code = re.split(r"\n{2,}(?= {4})", block, maxsplit=1)
        blocks.append(_as_list(text.splitlines()))
        blocks += map(_as_code, code)
    return "\n\n".join(blocks)


def _as_list(lines: list[str]) -> str:
    """Return a paragraph as a list if its first line is an entry, and each other is one or continues one."""
    first = ENTRY.fullmatch(lines[0])
    if first is None or first[2] is None or not all(line[0] == " " or ENTRY.fullmatch(line) for line in lines):
        return "\n".join(lines)
    entries = []
    for line in lines:
        entry = ENTRY.fullmatch(line)
        entries.append(f"* `{entry[1]}`: {entry[2] or ''}" if entry else f"    {line.strip()}")
    return "\n".join(entries)


def _as_code(block: str) -> str:
    """Return an indented block as fenced code: of Python, unless it cannot be Python, as a drawing."""
    code = dedent(block)
    try:
        ast.parse(code)
    except SyntaxError:
        return f"```text\n{code}\n```"
    return f"```python\n{code}\n```"
