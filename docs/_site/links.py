"""A hook of MkDocs: links that leave docs/ lead to copies of the files in the site.

A page links to a file of the project as a reader of the repository finds it, such as `../../functions/chat/app.py`. The
site has no such folder, so it carries each linked file below `source/`.
"""

import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"(\]\()([^)#\s]+)(#[^)\s]*)?(\))")


def on_files(files: Files, config: Any) -> Files:
    """Add the files that pages link to, up to those that these link to."""
    waiting = list(DOCS.rglob("*.md"))
    while waiting:
        for file in linked(waiting.pop()):
            uri = uri_of(file)
            if files.get_file_from_path(uri) is None:
                files.append(File.generated(config, uri, abs_src_path=str(file)))
                if file.suffix == ".md":
                    waiting.append(file)
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Point each link to a file of the project at its place in the site."""
    source = Path(page.file.abs_src_path)

    def replaced(match: re.Match[str]) -> str:
        target = target_of(source, match[2])
        if target is None:
            return match[0]
        place = os.path.relpath(uri_of(target), Path(page.file.src_uri).parent)
        return f"{match[1]}{place}{match[3] or ''}{match[4]}"

    return LINK.sub(replaced, markdown)


def linked(page: Path) -> set[Path]:
    """Return the files of the project that `page` links to."""
    targets = (target_of(page, match[2]) for match in LINK.finditer(page.read_text(encoding="utf-8")))
    return {target for target in targets if target is not None}


def target_of(page: Path, link: str) -> "Path | None":
    """Return the file of the project that a link in `page` leads to; None for addresses and missing files."""
    target = (page.parent / link).resolve()
    return target if "://" not in link and target.is_file() and target.is_relative_to(ROOT) else None


def uri_of(file: Path) -> str:
    """Return the place of a file of the project in the site's sources."""
    if file.is_relative_to(DOCS):
        return file.relative_to(DOCS).as_posix()
    return f"source/{file.relative_to(ROOT).as_posix()}"
