"""The sections of CHANGELOG.md, which has the form of Keep a Changelog."""

import re

from .errors import ReleaseError

UNRELEASED = "Unreleased"
_HEADING = re.compile(r"^## \[(?P<name>[^\]]+)\].*\n", re.MULTILINE)


def section(text: str, name: str) -> str:
    """Return what the changelog says of a version, or of `Unreleased`, without its heading.

    Raises `ReleaseError` if there is no such section.
    """
    headings = list(_HEADING.finditer(text))
    for heading, following in zip(headings, [*headings[1:], None], strict=True):
        if heading["name"] == name:
            return text[heading.end() : following.start() if following else len(text)].strip() + "\n"
    known = ", ".join(heading["name"] for heading in headings)
    raise ReleaseError(f"CHANGELOG.md has no section {name}; it has {known or 'none'}")


def close_unreleased(text: str, version: str, date: str) -> str:
    """Return the changelog with what is unreleased as the section of `version`, below a new, empty `Unreleased`.

    `date` is the day of the release, such as `2026-11-29`.
    """
    if not section(text, UNRELEASED).strip():
        raise ReleaseError("CHANGELOG.md says nothing under Unreleased: write what users will notice")
    if f"## [{version}]" in text:
        raise ReleaseError(f"CHANGELOG.md has a section {version} already: choose another version")
    heading = f"## [{UNRELEASED}]\n"
    return text.replace(heading, f"{heading}\n## [{version}] - {date}\n", 1)
