"""Bytecode of one Python, and the others that are on this machine: they ignore it and compile the source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from built_project import RUNTIME
from lambda_streamify_emulator.precompiling.build import Package
from lambda_streamify_emulator.precompiling.compiling import compile_modules
from lambda_streamify_emulator.precompiling.plan import Job

VERSIONS = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
OWN = ".".join(map(str, sys.version_info[:2]))
OTHERS = [
    pytest.param(folder / "bin" / "python", id=folder.name)
    for folder in sorted(VERSIONS.glob("3.*"))
    if (folder / "bin" / "python").exists() and ".".join(folder.name.split(".")[:2]) != OWN
] or [pytest.param(None, marks=pytest.mark.skip(reason=f"there is no Python but {OWN} in {VERSIONS}"))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose module has bytecode of this Python, from a source that has changed since."""
    module = tmp_path / "module.py"
    module.write_text("print('bytecode')\n")
    job = Job(Package(("Hello",), tmp_path, (RUNTIME,)), RUNTIME, sys.executable, (module,))
    compile_modules(job, pytest.fail)
    module.write_text("print('source')\n")
    return tmp_path


def imported(python: Path | str, folder: Path) -> str:
    command = [python, "-B", "-c", "import module"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_its_own_python_runs_it(folder: Path) -> None:
    assert imported(sys.executable, folder) == "bytecode"


@pytest.mark.parametrize("python", OTHERS)
def test_another_python_ignores_it(folder: Path, python: Path) -> None:
    assert imported(python, folder) == "source"


@pytest.mark.parametrize("python", OTHERS)
def test_another_python_ignores_it_even_under_its_own_name_for_it(folder: Path, python: Path) -> None:
    """The number at the beginning of the file is that of the Python that has written it."""
    tag = subprocess.run(
        [python, "-c", "import sys; print(sys.implementation.cache_tag)"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (own,) = (folder / "__pycache__").iterdir()
    shutil.copy(own, folder / "__pycache__" / f"module.{tag}.pyc")

    assert imported(python, folder) == "source"
