"""The reference of the API names every public name."""

import re
from importlib import import_module
from pathlib import Path

import lambda_streamify
from documents import DOCUMENTS
from processes import ROOT

MODULES = (
    *("agentcore", "asgi", "client", "errors", "ndjson", "observe", "powertools", "resume", "sse", "testing", "wsgi"),
)  # fmt: skip
IMPORT = re.compile(r"^from (lambda_streamify[\w.]*) import ([\w, ]+)", re.MULTILINE)


def anchors(site: Path) -> set[str]:
    """Return the anchors of all API pages."""
    pages = (site / "reference" / "api").rglob("index.html")
    return {anchor for page in pages for anchor in re.findall(r'id="(lambda_streamify[\w.]*)"', page.read_text())}


def names(module_name: str) -> set[str]:
    """Return the names that a module declares as public, or those of the functions and classes that it defines."""
    module = import_module(module_name)
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", "") == module_name)
    return set(getattr(module, "__all__", own))


def is_public(name: str) -> bool:
    return not name.startswith("_") and not name.isupper()


def test_every_public_name_of_the_layer_is_on_a_page(site: Path) -> None:
    found = anchors(site)
    wanted = {f"lambda_streamify.{name}" for name in lambda_streamify.__all__}
    for module in (f"lambda_streamify.{module}" for module in MODULES if module != "powertools"):
        wanted |= {f"{module}.{name}" for name in filter(is_public, names(module))}

    assert len(wanted) > 60
    assert wanted - found == set()


def test_every_name_that_a_document_imports_is_on_a_page(site: Path) -> None:
    found = anchors(site)
    imported = {
        f"{module}.{name.strip()}"
        for document in DOCUMENTS
        for module, listed in IMPORT.findall(document.read_text(encoding="utf-8"))
        for name in listed.split(",")
    }
    modules = {f"lambda_streamify.{module}" for module in MODULES}

    assert "lambda_streamify_emulator.replays.replay.Replay" in imported
    assert imported - modules - found == set()


def test_no_page_shows_a_table_of_a_docstring_as_a_paragraph(site: Path) -> None:
    pages = (site / "reference" / "api").rglob("index.html")
    paragraphs = [text for page in pages for text in re.findall(r"<p>(.*?)</p>", page.read_text(), re.DOTALL)]

    assert paragraphs != []
    assert [text for text in paragraphs if re.search(r"^\w+ {2,}\w", text, re.MULTILINE)] == []


def test_the_index_names_each_page() -> None:
    folder = ROOT / "docs" / "reference" / "api"
    index = (folder / "index.md").read_text()

    assert [
        page.name for page in folder.glob("*.md") if page.name != "index.md" and f"({page.name})" not in index
    ] == []
