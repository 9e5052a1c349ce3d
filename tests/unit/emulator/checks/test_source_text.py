import re
from pathlib import Path

import pytest

from lambda_streamify_emulator.checks import source_text
from lambda_streamify_emulator.checks.source_text import read_folder

WORD = re.compile("needle")


def write(folder: Path, name: str, text: str = "needle\n") -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_hit_names_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, "pack/module.py", "a = 1\nb = 'needle'\n")

    assert str(read_folder(tmp_path).find(WORD)) == "pack/module.py:2"


@pytest.mark.parametrize(
    "name",
    [
        "tests/a.py",
        "test_a.py",
        ".hidden/a.py",
        "node_modules/a.py",
        "lib/site-packages/a.py",
        "a.txt",
    ],
)
def test_what_is_not_the_functions_own_code_is_left_out(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)

    assert read_folder(tmp_path).find(WORD) is None


def test_packages_that_pip_has_installed_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "")
    write(tmp_path, "other/a.py")
    write(tmp_path, "single.py")
    assert read_folder(tmp_path).find(WORD) is not None

    write(tmp_path, "other-1.0.dist-info/RECORD", "other/a.py,sha256=x,7\nsingle.py,sha256=x,7\n")

    assert read_folder(tmp_path).find(WORD) is None


def test_environments_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "env/pyvenv.cfg", "")
    write(tmp_path, "env/a.py")

    assert read_folder(tmp_path).find(WORD) is None


def test_comments_are_left_out_and_keep_their_lines(tmp_path: Path) -> None:
    write(tmp_path, "app.py", "# needle\n  # needle\nneedle\n")

    assert str(read_folder(tmp_path).find(WORD)) == "app.py:3"


def test_large_files_and_many_files_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a.py", "b\n")
    write(tmp_path, "b.py")

    monkeypatch.setattr(source_text, "FILES_LIMIT", 1)
    assert read_folder(tmp_path).find(WORD) is None

    monkeypatch.setattr(source_text, "FILES_LIMIT", 2)
    monkeypatch.setattr(source_text, "FILE_LIMIT_BYTES", 6)
    assert read_folder(tmp_path).find(WORD) is None


def test_bytes_that_are_no_text_do_not_matter(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_bytes(b"\xff needle\n")

    assert str(read_folder(tmp_path).find(WORD)) == "app.py:1"
