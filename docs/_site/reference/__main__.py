"""Writes the reference pages that are made from data: `make reference`."""

from pathlib import Path

import yaml

from .pages import render

DATA = Path(__file__).parent
PAGES = DATA.parents[1] / "reference"

if __name__ == "__main__":
    for file in sorted(DATA.glob("*.yml")):
        page = render(yaml.safe_load(file.read_text(encoding="utf-8")))
        (PAGES / f"{file.stem}.md").write_text(page, encoding="utf-8")
