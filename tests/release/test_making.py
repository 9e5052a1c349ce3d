"""`make release` in a repository of its own: what it leaves, and what it refuses."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from processes import run
from release.building import SUPPORTED
from release.changelog import section
from release.version import read_version
from release_repository import VERSION, Made, Repository


def test_a_dry_run_changes_neither_the_branch_nor_tags_nor_files(made: Made) -> None:
    assert made.after_trial == made.before


def test_a_release_is_one_commit_with_the_version_and_its_section_of_the_changelog(made: Made) -> None:
    head, tags, changed = made.repository.state
    root = made.repository.root

    assert (tags, changed) == (f"v{VERSION}", "")
    assert made.repository.git("rev-list", "--count", f"{made.before[0]}..{head}") == "1"
    assert made.repository.git("rev-parse", f"v{VERSION}^{{commit}}") == head
    assert made.repository.git("log", "-1", "--format=%an: %s") == f"Test: Release {VERSION}"
    assert read_version(root) == VERSION
    assert (made.files / "NOTES.md").read_text().startswith(section((root / "CHANGELOG.md").read_text(), VERSION))


def test_it_builds_the_packages_and_the_layer_the_same_as_the_dry_run(made: Made) -> None:
    for files in (made.trial, made.files):
        assert {path.relative_to(files).as_posix() for path in files.rglob("*") if path.is_file()} == {
            f"packages/lambda_streamify-{VERSION}-py3-none-any.whl",
            f"packages/lambda_streamify-{VERSION}.tar.gz",
            f"layer/streamify-layer-{VERSION}.zip",
            f"streamify-{VERSION}.cdx.json",
            "SHA256SUMS",
            "NOTES.md",
        }
    for name in (f"packages/lambda_streamify-{VERSION}-py3-none-any.whl", f"layer/streamify-layer-{VERSION}.zip"):
        assert (made.files / name).read_bytes() == (made.trial / name).read_bytes()


def test_the_checksums_are_those_of_the_files(made: Made) -> None:
    lines = [line.split("  ") for line in (made.files / "SHA256SUMS").read_text().splitlines()]
    found = {path.name: path for path in made.files.glob("*/*")}

    assert {name: digest for digest, name in lines} == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()
    }


def test_the_bill_of_materials_is_valid_and_names_each_file_and_package(made: Made) -> None:
    text = (made.files / f"streamify-{VERSION}.cdx.json").read_text()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    files = [each["name"] for each in bill["components"] if each["type"] == "file"]
    optional = {each["name"] for each in bill["components"] if each.get("scope") == "optional"}
    assert sorted(files) == sorted(path.name for path in made.files.glob("*/*"))
    assert {"httptools", "typer", "locust", "trustme"} <= optional
    assert bill["dependencies"] == [{"ref": f"pkg:pypi/lambda-streamify@{VERSION}", "dependsOn": []}]


def test_it_says_what_was_tried_and_what_to_do_next(made: Made) -> None:
    others = [version for version in SUPPORTED if version != "{}.{}".format(*sys.version_info)]
    assert f"this layer has no bytecode for Python {', '.join(others)}; release.yml builds it again" in made.printed
    assert "rehearsed on moto: the layer is public in 17 regions" in made.printed
    assert made.printed.endswith(f"next, publish it: git push origin HEAD v{VERSION}\n")


def test_no_folder_of_the_build_stays_in_the_repository(made: Made) -> None:
    assert len(made.repository.git("worktree", "list").splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "'' is no version"),
        ([f"VERSION={VERSION}"], f"the tag v{VERSION} exists"),
        (["VERSION=0.2.0"], f"0.2.0 is not newer than {VERSION}, which is released"),
        (["VERSION=99.0.0"], "CHANGELOG.md says nothing under Unreleased"),
    ],
)
def test_what_cannot_be_released_is_refused_and_changes_nothing(made: Made, arguments: list[str], message: str) -> None:
    before = made.repository.state

    refused = made.repository.make("release", *arguments)

    assert (refused.returncode, refused.stdout.count("built twice")) == (2, 0)  # make's own status
    assert message in refused.stderr
    assert made.repository.state == before


def test_what_is_not_committed_is_named(repository: Repository) -> None:
    (repository.root / "README.md").write_text("changed\n")

    refused = repository.make("release", "VERSION=1.0.0")

    assert "not committed; commit or remove them:\n M README.md" in refused.stderr


def test_a_tag_that_is_not_the_packages_version_is_refused(made: Made) -> None:
    refused = made.repository.make("release-artifacts", "TAG=v1.2.3")

    assert f"the tag is v1.2.3, and the package's version is {VERSION}" in refused.stderr


def test_the_changelog_section_is_printed_for_the_notes(made: Made) -> None:
    printed = made.repository.make("changelog-section", f"VERSION={VERSION}").stdout

    assert printed == section((made.repository.root / "CHANGELOG.md").read_text(), VERSION)


def test_the_draft_of_the_release_gets_each_file(made: Made, tmp_path: Path) -> None:
    """GitHub's program cannot run here: what it would be started with is printed instead."""
    gh = tmp_path / "gh"
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    gh.chmod(0o755)

    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    printed = made.repository.make("--silent", "release-draft", f"TAG=v{VERSION}", PATH=path).stdout.splitlines()

    assert printed[:3] == ["release", "create", f"v{VERSION}"]
    assert printed[printed.index("--notes-file") + 1] == str(made.files / "NOTES.md")
    files = {str(path) for path in made.files.rglob("*") if path.is_file() and path.name != "NOTES.md"}
    assert files <= set(printed)
    assert "--prerelease" not in printed
    trial = made.repository.make("--silent", "release-draft", "TAG=v9.0.0rc1", PATH=path).stdout.splitlines()
    assert "--prerelease" in trial


def test_the_sdist_holds_what_the_wheel_is_built_from_and_the_tests(made: Made, tmp_path: Path) -> None:
    (archive,) = made.files.glob("packages/*.tar.gz")
    names = run("tar", "-tzf", archive, cwd=tmp_path)

    for needed in ("layers/streamify/lambda_streamify/__init__.py", "pyproject.toml", "LICENSE", "tests/conftest.py"):
        assert f"/{needed}\n" in names
