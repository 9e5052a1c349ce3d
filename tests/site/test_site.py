"""The built site: complete, strict, and without a byte from elsewhere."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from processes import ROOT, run

DOCS = ROOT / "docs"
PAGES = sorted(page for page in DOCS.rglob("*.md") if "_site" not in page.parts)
LOADED = {  # elements that make a browser load something, and the attribute that names it
    "audio": "src", "embed": "src", "iframe": "src", "img": "src", "input": "src", "object": "data", "script": "src",
    "source": "src", "track": "src", "video": "src",
}  # fmt: skip
LOADED_LINKS = {"dns-prefetch", "icon", "manifest", "modulepreload", "preconnect", "prefetch", "preload", "stylesheet"}
ELSEWHERE = re.compile(r"(?:[a-z]+:)?//", re.IGNORECASE)


class PageReader(HTMLParser):
    """What a page makes a browser load, and the text and headings of its article."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.texts: list[str] = []
        self._in_article = 0
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_article += tag == "article"
        if tag in LOADED and LOADED[tag] in given:
            self.loaded.append(given[LOADED[tag]])
        if tag == "link" and LOADED_LINKS & set(given.get("rel", "").split()):
            self.loaded.append(given["href"])
        self.loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part.strip()]

    def handle_endtag(self, tag: str) -> None:
        self._in_article -= tag == "article"

    def handle_data(self, data: str) -> None:
        if self._in_article:
            self.texts.append(data)

    @property
    def text(self) -> str:
        """The article's text, with single spaces."""
        return " ".join("".join(self.texts).split())


def place(page: Path) -> Path:
    """Return the place of a page in the site."""
    name = page.relative_to(DOCS).with_suffix("")
    return (name.parent if name.name == "index" else name) / "index.html"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_a_page_can_be_read_without_javascript(site: Path, page: Path) -> None:
    text = PageReader(site / place(page)).text
    tokens = MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))
    spoken = [
        child.content
        for token in tokens
        if not token.content.startswith("::: ")  # the API, from docstrings
        for child in token.children or []
        if child.type in ("text", "code_inline")
    ]

    assert spoken != []
    assert [words for words in spoken if " ".join(words.split()) not in text] == []


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    loaded = {(page.relative_to(site), address) for page in pages for address in PageReader(page).loaded}

    assert len(loaded) >= 3 * len(PAGES), "style sheets and scripts"
    assert [(page, address) for page, address in loaded if ELSEWHERE.match(address)] == []


def test_no_style_sheet_loads_anything_from_elsewhere(site: Path) -> None:
    sheets = "".join(sheet.read_text(encoding="utf-8") for sheet in site.rglob("*.css"))
    named = re.findall(r"url\(\s*[\"']?([^)\"']+)|@import\s+[\"']([^\"']+)", sheets)

    assert sheets != ""
    assert [address for pair in named for address in pair if ELSEWHERE.match(address)] == []


@pytest.mark.parametrize("mistake", ["[link](missing.md)", "[anchor](#missing)", "![image](missing.svg)"])
def test_a_mistake_fails_the_build(tmp_path: Path, mistake: str) -> None:
    """The project's own settings, with one page in place of its pages."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text(f"# Page\n\n{mistake}\n")
    (tmp_path / "mkdocs.yml").write_text(
        f"INHERIT: {ROOT / 'mkdocs.yml'}\ndocs_dir: docs\nhooks: []\nplugins: []\nwatch: []\nnav: [index.md]\n"
        "extra_css: []\n"
    )
    printed = run("mkdocs", "build", "--strict", "--config-file", tmp_path / "mkdocs.yml", "--site-dir",
                  tmp_path / "site", status=1)  # fmt: skip

    assert "missing" in printed
    assert "Aborted with 1 warnings in strict mode" in printed
