"""The index of each kind of page is a map: it names every page of its kind."""

import re
from pathlib import Path

import pytest

from processes import ROOT

DOCS = ROOT / "docs"
LINK = re.compile(r"\]\(([^)#]+\.md)[^)]*\)")
KINDS = ("guides", "reference", "explanation")


def linked(page: Path) -> set[Path]:
    return {(page.parent / target).resolve() for target in LINK.findall(page.read_text(encoding="utf-8"))}


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_names_every_page_of_its_kind(kind: str) -> None:
    pages = {page for page in (DOCS / kind).rglob("*.md") if page.name != "index.md" and page.parent.name != "api"}

    assert len(pages) >= 3
    assert sorted(pages - linked(DOCS / kind / "index.md")) == []


def test_the_home_page_leads_to_every_kind() -> None:
    wanted = {DOCS / kind / "index.md" for kind in (*KINDS, "tutorial")}

    assert wanted <= linked(DOCS / "index.md")
