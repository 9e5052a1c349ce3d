import os
import subprocess
import sys
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.task_root import has_requirements, newest_change, prepare
from unreaped import RUN
from wheels import make_wheel

PYTHON = Path(sys.executable)


def never(_: str) -> None:
    raise AssertionError


@pytest.mark.parametrize("text", ["", "\n\n", "# boto3\n", "   # boto3\n\t\n"])
def test_requirements_that_name_nothing_are_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "requirements.txt").write_text(text)

    assert not has_requirements(tmp_path)
    assert prepare(tmp_path, PYTHON, tmp_path / "root", never, RUN) == tmp_path
    assert not (tmp_path / "root").exists()


def test_without_requirements_the_code_itself_is_the_task_root(tmp_path: Path) -> None:
    assert prepare(tmp_path, PYTHON, tmp_path / "root", never, RUN) == tmp_path


def test_requirements_lie_beside_the_code_whose_files_win_and_stay_editable(tmp_path: Path) -> None:
    code = tmp_path / "code"
    (code / "package").mkdir(parents=True)
    wheel = make_wheel(tmp_path, "dependency", dependency="VALUE = 'theirs'", app="VALUE = 'theirs'")
    (code / "requirements.txt").write_text(f"# mine\n{wheel}\n")
    (code / "app.py").write_text("VALUE = 'mine'")
    said: list[str] = []

    first = prepare(code, PYTHON, tmp_path / "first", said.append, RUN)
    again = prepare(code, PYTHON, tmp_path / "again", never, RUN)

    assert said == [f"installing {code / 'requirements.txt'}"]
    assert (first, again) == (tmp_path / "first", tmp_path / "again")
    assert {path.name for path in first.iterdir()} >= {"app.py", "dependency.py", "package", "requirements.txt"}
    (code / "app.py").write_text("VALUE = 'edited'")
    program = "import app, dependency; print(app.VALUE, dependency.VALUE)"
    env = {**os.environ, "PYTHONPATH": str(first)}
    said_by_it = subprocess.run([PYTHON, "-c", program], env=env, capture_output=True, text=True, check=True).stdout
    assert said_by_it == "edited theirs\n"
    assert not (first / "__pycache__").is_symlink()  # what is compiled is not kept for other functions


def test_requirements_that_cannot_be_installed_are_named_with_pips_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-distribution\n")
    said: list[str] = []

    with pytest.raises(BuildError) as raised:
        prepare(tmp_path, PYTHON, tmp_path / "root", said.append, RUN)

    reason = "ERROR: No matching distribution found for no-such-distribution"
    assert str(raised.value) == f"{requirements}: pip could not install it: {reason}"
    assert said == [f"installing {requirements}"]
    assert not (tmp_path / "root").exists()


def test_requirements_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_bytes(b"\xff")

    with pytest.raises(BuildError, match=r"requirements\.txt cannot be read: 'utf-8' codec can't decode"):
        has_requirements(tmp_path)

    (tmp_path / "requirements.txt").unlink()
    (tmp_path / "requirements.txt").mkdir()
    with pytest.raises(BuildError, match=r"requirements\.txt cannot be read: .*Is a directory"):
        has_requirements(tmp_path)


def test_the_newest_change_is_that_of_a_source_file_however_deep(tmp_path: Path) -> None:
    assert newest_change(tmp_path / "absent") == newest_change(tmp_path) == 0
    for second, name in enumerate(["app.py", "a/b/deep.py", ".git/index", "a/__pycache__/deep.pyc"], start=1):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        os.utime(file, (second, second))
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / "a" / "around").symlink_to(tmp_path)

    assert newest_change(tmp_path) == 2_000_000_000
