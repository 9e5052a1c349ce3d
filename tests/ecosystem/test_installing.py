"""What the emulator builds with the real pip and the real uv: the requirements of functions and of layers."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lambda_streamify_emulator.building import installers
from lambda_streamify_emulator.building.layers import assemble
from lambda_streamify_emulator.building.requirements import install
from lambda_streamify_emulator.building.steps import Steps
from lambda_streamify_emulator.building.task_root import TaskRoot
from lambda_streamify_emulator.errors import BuildError
from lambda_streamify_emulator.template.reader import Function, Layer
from unreaped import RUN
from wheels import make_wheel

PYTHON = Path(sys.executable)
UV = PYTHON.with_name("uv")


@pytest.fixture(params=["pip", "uv"])
def installer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of the program that installs."""
    monkeypatch.setattr(installers, "which", lambda _: str(UV) if request.param == "uv" else None)
    return str(request.param)


def test_requirements_lie_beside_the_code_whose_files_win_and_stay_editable(tmp_path: Path, installer: str) -> None:
    code, said = tmp_path / "code", list[str]()
    (code / "package").mkdir(parents=True)
    wheel = make_wheel(tmp_path, "dependency", dependency="VALUE = 'theirs'", app="VALUE = 'theirs'")
    requirements = code / "requirements.txt"
    requirements.write_text(f"# mine\n{wheel}\n")
    (code / "app.py").write_text("VALUE = 'mine'")
    function = Function("hello", "Hello", "app.handler", "python3.12", code, 3, 128, {}, (), None)
    root = TaskRoot(replace(function), PYTHON, tmp_path / "scratch", Steps(said.append), RUN)

    made = root.make()

    assert said[0] == f"installing {requirements} with {installer} …"
    assert re.fullmatch(rf"installed {re.escape(str(requirements))} with {installer} in \d+\.\d s", said[1])
    assert {path.name for path in made.iterdir()} >= {"app.py", "dependency.py", "package", "requirements.txt"}
    (code / "app.py").write_text("VALUE = 'edited'")
    assert root.make() == made
    program, environment = "import app, dependency; print(app.VALUE, dependency.VALUE)", {"PYTHONPATH": str(made)}
    ran = subprocess.run([PYTHON, "-c", program], env={**os.environ, **environment}, capture_output=True, check=True)
    assert ran.stdout == b"edited theirs\n"
    assert not (made / "__pycache__").is_symlink()  # bytecode must not reach other functions


@pytest.mark.usefixtures("installer")
def test_a_python_layer_goes_below_python_with_its_requirements(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "dependency", dependency="VALUE = 1")
    source = tmp_path / "source"
    source.mkdir()
    (source / "mine.py").touch()
    (source / "requirements.txt").write_text(f"{wheel}\n")

    assemble([Layer("Mine", source, "python3.12")], tmp_path / "opt", RUN)

    assert (tmp_path / "opt" / "python" / "mine.py").exists()
    assert (tmp_path / "opt" / "python" / "dependency.py").read_text() == "VALUE = 1"
    assert not (source / "dependency.py").exists()


REASONS = {
    "pip": "ERROR: No matching distribution found for no-such-distribution",
    "uv": "error: No solution found when resolving dependencies cause: Because no-such-distribution was not found",
}


def test_a_package_that_cannot_be_installed_is_named_with_the_installers_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installer: str
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-distribution\n")

    with pytest.raises(BuildError) as raised:
        install(requirements, tmp_path / "target", RUN, PYTHON)

    reason = f"{requirements}: {installer} could not install it: {REASONS[installer]}"
    assert str(raised.value).startswith(reason)
    assert "\n" not in str(raised.value)
