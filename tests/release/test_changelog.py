import pytest

from processes import ROOT
from release.changelog import close_unreleased, section
from release.errors import ReleaseError

TEXT = """\
# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-01-02

### Fixed

- Another.
"""


def test_a_section_is_what_is_between_its_heading_and_the_next() -> None:
    assert section(TEXT, "Unreleased") == "### Added\n\n- A thing.\n"
    assert section(TEXT, "0.1.0") == "### Fixed\n\n- Another.\n"


def test_a_version_that_the_changelog_lacks_is_named_with_those_that_it_has() -> None:
    with pytest.raises(ReleaseError, match=r"^CHANGELOG\.md has no section 9\.0\.0; it has Unreleased, 0\.1\.0$"):
        section(TEXT, "9.0.0")


def test_what_is_unreleased_becomes_the_section_of_the_version() -> None:
    closed = close_unreleased(TEXT, "0.2.0", "2026-03-04")

    assert "## [Unreleased]\n\n## [0.2.0] - 2026-03-04\n\n### Added\n" in closed
    assert section(closed, "0.2.0") == section(TEXT, "Unreleased")
    assert section(closed, "0.1.0") == section(TEXT, "0.1.0")


def test_a_release_without_changes_is_refused() -> None:
    closed = close_unreleased(TEXT, "0.2.0", "2026-03-04")

    with pytest.raises(ReleaseError, match="says nothing under Unreleased"):
        close_unreleased(closed, "0.3.0", "2026-03-05")


def test_a_version_is_released_once() -> None:
    with pytest.raises(ReleaseError, match=r"has a section 0\.1\.0 already"):
        close_unreleased(TEXT, "0.1.0", "2026-03-04")


def test_the_projects_changelog_has_the_form_that_a_release_needs() -> None:
    assert section((ROOT / "CHANGELOG.md").read_text(), "Unreleased")
