import re
from pathlib import Path

import pytest
import yaml

from documents import DOCUMENTS, blocks
from processes import ROOT, run
from reference.pages import render

LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def test_the_readme_shows_the_tutorials_handler_word_for_word() -> None:
    assert blocks(ROOT / "README.md", "python")[0] == (ROOT / "functions/hello/app.py").read_text()


@pytest.mark.parametrize("document", sorted({*DOCUMENTS, *ROOT.glob("*.md")}), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    targets = LINK.findall(document.read_text())
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_the_reference_of_the_commands_is_what_their_help_says(tmp_path: Path) -> None:
    output = tmp_path / "cli.md"
    options = ("--name", "streamify", "--title", "Commands", "--output", output)
    run("typer", "lambda_streamify_emulator.commands.cli", "utils", "docs", *options)
    assert (ROOT / "docs/reference/cli.md").read_text() == output.read_text(), "run: make docs/reference/cli.md"


@pytest.mark.parametrize("data", sorted((ROOT / "docs/_site/reference").glob("*.yml")), ids=lambda path: path.stem)
def test_the_reference_pages_are_what_their_data_says(data: Path) -> None:
    page = (ROOT / "docs/reference" / data.name).with_suffix(".md")
    assert page.read_text() == render(yaml.safe_load(data.read_text())), "run: make reference"


def test_every_setting_of_the_layer_is_documented() -> None:
    layer = ROOT / "layers/streamify/lambda_streamify"
    sources = "".join(path.read_text() for path in layer.rglob("*") if path.suffix in (".py", ".sh"))
    documented = (ROOT / "docs/reference/settings.md").read_text()
    assert [name for name in set(re.findall(r"STREAMIFY_[A-Z_]+", sources)) if f"`{name}`" not in documented] == []


def test_each_behaviour_in_the_table_of_fidelity_names_the_tests_that_show_it() -> None:
    modules = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    rows = [line for line in (ROOT / "docs/reference/fidelity.md").read_text().splitlines() if line.startswith("| ")]
    last_cells = [row.rstrip(" |").rpartition(" | ")[2] for row in rows]
    named = [cell for cell in last_cells if cell not in ("tested by", "---", "not emulated")]

    assert len(named) >= 50
    assert [cell for cell in named if not modules.issuperset(cell.split(", "))] == []
