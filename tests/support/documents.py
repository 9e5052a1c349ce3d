"""The code blocks of the README and of docs/, as a Markdown parser sees them."""

from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from processes import ROOT

DOCUMENTS = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))


def blocks(document: Path, language: str) -> list[str]:
    """Return the fenced blocks of this language, in order."""
    return [content for found, content in _fences(document) if found == language]


def all_blocks(language: str) -> list[tuple[str, str]]:
    """Return each block of this language with the place that it stands at, such as "docs/guides/local.md #2"."""
    return [
        (f"{document.relative_to(ROOT)} #{number}", block)
        for document in DOCUMENTS
        for number, block in enumerate(blocks(document, language), 1)
    ]


@cache
def _fences(document: Path) -> list[tuple[str, str]]:
    tokens = MarkdownIt().parse(document.read_text(encoding="utf-8"))
    return [(token.info.strip(), token.content) for token in tokens if token.type == "fence"]
