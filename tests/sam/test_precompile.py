"""`streamify precompile` on what the real `sam build` has made of the samples, and what SAM would upload of it."""

import json
import subprocess
import sys
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from samcli.lib.package.utils import make_zip_with_permissions  # type: ignore[import-untyped]

from emulator_process import COMMAND, PARAMETERS, RUNTIME
from lambda_streamify_emulator.precompiling.modules import modules, without_bytecode
from layer_build import unpack
from processes import clean_environment

FASTAPI, LAYER = "FastapiFunction", "StreamifyLayer"


@pytest.fixture(scope="module")
def built(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy, since other tests look at what was built."""
    return copytree(build, tmp_path_factory.mktemp("precompiled") / "build")


def precompile(folder: Path) -> dict[str, Any]:
    printed: dict[str, Any] = json.loads(stdout(COMMAND, "precompile", folder, *PARAMETERS, "--no-measure", "--json"))
    return printed


def stdout(*command: str | Path) -> str:
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def report(built: Path) -> dict[str, Any]:
    assert without_bytecode(modules(built / FASTAPI), [RUNTIME]) == list(modules(built / FASTAPI))
    return precompile(built)


def test_each_function_and_the_layer_have_bytecode(report: dict[str, Any]) -> None:
    packages = {name: package for package in report["packages"] for name in package["names"]}

    assert {FASTAPI, LAYER, "HelloFunction"} <= packages.keys()
    assert report["failed"] == {}
    for package in packages.values():
        missing = len(package["problems"])
        folder = Path(package["folder"])
        root = folder / "python" if LAYER in package["names"] else folder
        assert len(without_bytecode(modules(root), [RUNTIME])) == missing
    assert packages[FASTAPI]["written"] > 100
    assert packages[LAYER]["written"] == 0  # its Makefile compiles it


@pytest.mark.usefixtures("report")
def test_the_check_notes_the_lack_of_bytecode_before_and_not_after(build: Path, built: Path) -> None:
    def notes(folder: Path) -> int:
        found = json.loads(stdout(COMMAND, "check", folder / "template.yaml", *PARAMETERS, "--json"))
        return sum(finding["rule"] == "no-bytecode" for finding in found["findings"])

    assert notes(build) > 0
    assert notes(built) == 0


def test_a_second_run_changes_nothing(built: Path, report: dict[str, Any]) -> None:
    assert [package["written"] for package in precompile(built)["packages"]] == [0] * len(report["packages"])


@pytest.mark.usefixtures("report")
def test_python_runs_the_bytecode_of_what_sam_uploads(built: Path, tmp_path: Path) -> None:
    """That it does is seen by a source that is another one."""
    archive = make_zip_with_permissions(str(tmp_path / "function"), str(built / FASTAPI), None)
    folder = unpack(Path(archive), tmp_path / "task")
    (folder / "fastapi" / "__init__.py").write_text("raise SystemExit('compiled')\n")

    code = f"import sys; sys.path.insert(0, {str(folder)!r}); import fastapi; print(fastapi.__name__)"
    printed = stdout(sys.executable, "-I", "-S", "-B", "-c", code)

    assert printed == "fastapi\n"
