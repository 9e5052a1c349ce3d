from pathlib import Path
from shutil import copytree

import pytest

from built_wheel import export_project
from processes import ROOT
from release.errors import ReleaseError
from release.version import check_version, is_trial, order, read_version, set_version


@pytest.mark.parametrize("version", ["", "1.2", "v1.2.3", "1.2.3.4", "1.2.3-rc1", "1.2.3 "])
def test_what_is_no_version_is_refused(version: str) -> None:
    with pytest.raises(ReleaseError, match="write three numbers"):
        check_version(version)


def test_versions_are_ordered_by_their_numbers_and_trials_come_first() -> None:
    ordered = ["0.9.0", "0.10.0a1", "0.10.0rc1", "0.10.0rc2", "0.10.0", "0.10.1"]

    mixed = [*ordered[3:], *ordered[:3]]
    assert sorted(mixed, key=order) == ordered
    assert [version for version in ordered if is_trial(version)] == ["0.10.0a1", "0.10.0rc1", "0.10.0rc2"]


def test_setting_a_version_leaves_the_old_one_nowhere(tmp_path: Path) -> None:
    root = export_project(tmp_path / "project")
    old = read_version(root)
    before = copytree(root, tmp_path / "before")

    changed = set_version(root, "98.7.6")

    assert read_version(root) == "98.7.6"
    for place in changed:
        assert (root / place).read_text().replace("98.7.6", old) == (before / place).read_text()
    quoted = (f"streamify-layer-{old}", f"lambda_streamify-{old}", f'"{old}"', f'"=={old}"', f": {old}\n")
    pages = [path for folder in ("docs", "templates", "layers") for path in (root / folder).rglob("*")]
    texts = {path: path.read_text() for path in pages if path.suffix in (".md", ".json", ".py", ".yaml")}
    assert [path for path, text in texts.items() if any(name in text for name in quoted)] == []


def test_a_place_without_the_version_is_named(tmp_path: Path) -> None:
    root = export_project(tmp_path / "project")
    (root / "template.yaml").write_text("Resources: {}\n")

    with pytest.raises(ReleaseError, match=r"^template\.yaml does not contain '    SemanticVersion: "):
        set_version(root, "98.7.6")


def test_the_version_is_the_packages() -> None:
    import lambda_streamify

    assert read_version(ROOT) == lambda_streamify.__version__
