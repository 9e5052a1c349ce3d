import sys
from pathlib import Path

import pytest

from lambda_streamify_emulator.building.requirements import has_requirements, requirements_key
from lambda_streamify_emulator.errors import BuildError

PYTHON = Path(sys.executable)


def write(folder: Path, text: str, name: str = "requirements.txt") -> Path:
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("text", ["", "\n\n", "# boto3\n", "   # boto3\n\t\n"])
def test_requirements_that_name_nothing_are_none(tmp_path: Path, text: str) -> None:
    write(tmp_path, text)

    assert not has_requirements(tmp_path)


def test_without_the_file_there_are_no_requirements(tmp_path: Path) -> None:
    assert not has_requirements(tmp_path)


def test_requirements_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\xff")

    with pytest.raises(BuildError, match=r"requirements\.txt cannot be read: 'utf-8' codec can't decode"):
        has_requirements(tmp_path)

    (tmp_path / "requirements.txt").unlink()
    (tmp_path / "requirements.txt").mkdir()
    with pytest.raises(BuildError, match=r"requirements\.txt cannot be read: .*Is a directory"):
        has_requirements(tmp_path)


@pytest.mark.parametrize(
    "line", ["-r more.txt", "-c more.txt", "--requirement=more.txt", "  --constraint more.txt # x"]
)
def test_the_key_changes_with_a_file_that_is_read_with_it(tmp_path: Path, line: str) -> None:
    requirements = write(tmp_path, f"one\n{line}\n")
    write(tmp_path, "-r deeper.txt\n", "more.txt")
    before = requirements_key(requirements, PYTHON)

    write(tmp_path, "two\n", "deeper.txt")
    after = requirements_key(requirements, PYTHON)

    assert before != after == requirements_key(requirements, PYTHON)


@pytest.mark.parametrize("form", ["{}", "{} ; python_version > '3'", "one @ file://{}"])
def test_the_key_changes_with_an_archive_that_is_named(tmp_path: Path, form: str) -> None:
    archive = write(tmp_path, "1", "one.whl")
    requirements = write(tmp_path, form.format(archive))
    before = requirements_key(requirements, PYTHON)

    archive.write_text("2")

    assert before != requirements_key(requirements, PYTHON)


def test_the_key_is_the_interpreters_too(tmp_path: Path) -> None:
    requirements = write(tmp_path, "one")

    assert requirements_key(requirements, PYTHON) != requirements_key(requirements, Path("other"))


def test_files_that_name_each_other_have_a_key(tmp_path: Path) -> None:
    write(tmp_path, "-r requirements.txt\n-r absent.txt", "more.txt")

    assert requirements_key(write(tmp_path, "-r more.txt"), PYTHON)
