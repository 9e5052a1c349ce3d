from pathlib import Path
from typing import Any

import pytest

from lambda_streamify_emulator.building.makefiles import is_to_be_made, made_task_root
from lambda_streamify_emulator.errors import BuildError
from unreaped import RUN

MAKEFILE = """
HERE = $(dir $(lastword $(MAKEFILE_LIST)))

build-Mine:
	install -d "$(ARTIFACTS_DIR)/package"
	cp app.py "$(ARTIFACTS_DIR)"
	cp "$(HERE)../shared/carried.py" "$(ARTIFACTS_DIR)/package"
	sed s/draft/final/ text > "$(ARTIFACTS_DIR)/text"
	touch made
"""


@pytest.fixture
def code(tmp_path: Path) -> Path:
    shared, code = tmp_path / "shared", tmp_path / "code"
    shared.mkdir()
    code.mkdir()
    (shared / "carried.py").write_text("VALUE = 1")
    (code / "Makefile").write_text(MAKEFILE)
    (code / "app.py").write_text("the app")
    (code / "text").write_text("draft")
    return code


def test_only_a_makefile_that_is_there_and_is_asked_for_is_run(code: Path, tmp_path: Path) -> None:
    assert is_to_be_made("makefile", code)
    assert not is_to_be_made("python3.12", code)
    assert not is_to_be_made(None, code)
    assert not is_to_be_made("makefile", tmp_path)


def test_a_function_is_what_its_target_puts_out_also_from_elsewhere_in_the_project(code: Path, tmp_path: Path) -> None:
    root = made_task_root("Mine", code, tmp_path / "root", RUN)

    files = {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}
    assert files == {"app.py": "the app", "text": "final", "package/carried.py": "VALUE = 1"}
    assert not (code / "made").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code", "root", "shared"]


def test_what_was_only_copied_stays_editable_and_what_was_made_is_no_ones_source(code: Path, tmp_path: Path) -> None:
    root = made_task_root("Mine", code, tmp_path / "root", RUN)

    (code / "app.py").write_text("edited")
    (code / "text").write_text("edited")

    assert (root / "app.py").read_text() == "edited"
    assert (root / "text").read_text() == "final"


def test_each_start_builds_anew_for_what_lies_elsewhere_may_have_changed(code: Path, tmp_path: Path) -> None:
    made_task_root("Mine", code, tmp_path / "first", RUN)
    (tmp_path / "shared" / "carried.py").write_text("VALUE = 2")

    second = made_task_root("Mine", code, tmp_path / "second", RUN)

    assert (second / "package" / "carried.py").read_text() == "VALUE = 2"


def test_a_makefile_that_fails_is_named_with_what_it_said(code: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^the function Other: `make build-Other` failed:\nmake: .*build-Other"):
        made_task_root("Other", code, tmp_path / "root", RUN)


def test_without_make_its_absence_is_said(code: Path, tmp_path: Path) -> None:
    def absent(*_: object, **__: object) -> Any:
        raise FileNotFoundError

    with pytest.raises(BuildError, match=r"^the function Mine is built by make, which is not installed$"):
        made_task_root("Mine", code, tmp_path / "root", absent)


def test_code_that_cannot_be_copied_is_named(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^the function Mine cannot be copied: .*absent"):
        made_task_root("Mine", tmp_path / "absent", tmp_path / "root", RUN)
