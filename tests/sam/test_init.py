"""`sam init` with this repository as its template: a project that passes its own test, and builds."""

import json
import re
from pathlib import Path

import pytest

from built_wheel import extra_distributions, make_environment
from emulator_process import RUNTIME
from lambda_streamify_emulator.precompiling.modules import bytecode_file, modules, without_bytecode
from layer_build import LAYER_MODES, modes
from processes import ROOT, clean_environment, run


@pytest.fixture(scope="module")
def project(wheel: Path, sam_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("init")
    answers = {"runtime": RUNTIME, "streamify_version": f" @ {wheel.as_uri()}"}
    run(
        *("sam", "init", "--location", ROOT, "--no-input"),
        *("--name", "my-stream", "--extra-context", json.dumps(answers)),
        cwd=folder,
        env=sam_environment | {"HOME": str(folder)},  # cookiecutter notes there what it was asked
    )
    return folder / "my-stream"


def test_the_project_s_own_test_passes_with_the_wheel_that_it_names(
    project: Path, wheel: Path, cache: Path, tmp_path: Path
) -> None:
    python = make_environment(tmp_path / "environment", wheel, [*extra_distributions("emulator"), "pytest"]) / "python"

    printed = run(python, "-m", "pytest", cwd=project, env=clean_environment(STREAMIFY_CACHE_DIR=str(cache)))

    assert re.search(r"=== 1 passed in ", printed), printed


def test_the_project_is_valid_and_builds_the_layer_that_this_repository_builds(
    project: Path, sam_environment: dict[str, str]
) -> None:
    assert "is a valid SAM Template" in run("sam", "validate", "--lint", cwd=project, env=sam_environment)

    run("sam", "build", cwd=project, env=sam_environment, umask=0o077)

    built = project / ".aws-sam" / "build"
    assert modes(built / "StreamifyLayer") == LAYER_MODES
    assert (built / "StreamFunction" / "app.py").is_file()


def test_make_build_adds_bytecode_to_the_function_and_its_layer(project: Path, sam_environment: dict[str, str]) -> None:
    printed = run("make", "build", cwd=project, env=sam_environment)

    built = project / ".aws-sam" / "build"
    assert f"StreamFunction ({RUNTIME}): 1 module compiled" in printed
    assert bytecode_file(built / "StreamFunction" / "app.py", RUNTIME).is_file()
    assert without_bytecode(modules(built / "StreamifyLayer" / "python"), [RUNTIME]) == []


def test_without_answers_it_is_the_version_of_this_repository() -> None:
    questions = json.loads((ROOT / "templates" / "project" / "cookiecutter.json").read_text())
    package = ROOT / "layers" / "streamify" / "lambda_streamify" / "__init__.py"

    assert f'__version__ = "{questions["streamify_version"].removeprefix("==")}"' in package.read_text()
