"""Makes the Markdown of a page from its sections."""

from __future__ import annotations

import textwrap
from typing import Any

from .rules import rules

WIDTH = 120


def render(sections: list[dict[str, Any]]) -> str:
    """Return the page."""
    blocks = [block for section in sections for block in (_heading(section), *map(_part, section["parts"]))]
    return "\n\n".join(blocks) + "\n"


def _heading(section: dict[str, Any]) -> str:
    return f"{'#' * section['level']} {section['heading']}"


def _part(part: dict[str, Any]) -> str:
    if "text" in part:
        return str(part["text"]).strip()
    if "messages" in part:
        return _messages(part["messages"])
    return _table(["rule", "severity", "what"], rules()) if "rules" in part else _table(part["columns"], part["rows"])


def _table(columns: list[str], rows: list[dict[str, Any]]) -> str:
    lines = [columns, ["---"] * len(columns), *([_cell(row.get(column, "")) for column in columns] for row in rows)]
    return "\n".join(f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|" for cells in lines)


def _cell(value: str | list[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _messages(messages: list[dict[str, str]]) -> str:
    return "\n".join(f"* {_code(each['message'])}\n{_indented(each['advice'])}" for each in messages)


def _code(text: str) -> str:
    fence = "``" if "`" in text else "`"
    return f"{fence}{text}{fence}"


def _indented(text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
