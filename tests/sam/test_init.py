"""`sam init` with this repository as its template: each starter passes its own tests, and builds."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from built_wheel import extra_distributions, make_environment
from emulator_process import RUNTIME
from lambda_streamify_emulator.precompiling.modules import bytecode_file, modules, without_bytecode
from layer_build import LAYER_MODES, modes
from processes import ROOT, clean_environment, run

CHOICES = json.loads((ROOT / "cookiecutter.json").read_text())["templates"]
STARTERS = list(CHOICES)
# What each starter's function is, the file that proves that it is built, and how many tests the project has.
FUNCTIONS = {
    "generator": ("StreamFunction", "app.py", 1),
    "fastapi": ("AppFunction", "fastapi/__init__.py", 2),
    "agent": ("AgentFunction", "page/index.html", 3),
}
INSIDE = "{{cookiecutter.project_name}}"


@pytest.fixture(scope="module")
def projects(wheel: Path, sam_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a project of each starter, named as the starter; they are chosen as a person does."""
    folder = tmp_path_factory.mktemp("init")
    for number, starter in enumerate(STARTERS, 1):
        answers = [str(number), starter, RUNTIME_CHOICE, f" @ {wheel.as_uri()}"]
        done = subprocess.run(
            ["sam", "init", "--location", ROOT],
            cwd=folder,
            env=sam_environment | {"HOME": str(folder)},  # cookiecutter notes there what it was asked
            input="".join(f"{answer}\n" for answer in answers),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert all(f"{choice['title']} ({choice['description']})" in done.stdout for choice in CHOICES.values())
    return folder


QUESTIONS = json.loads((ROOT / "templates" / STARTERS[0] / "cookiecutter.json").read_text())
RUNTIME_CHOICE = str(QUESTIONS["runtime"].index(RUNTIME) + 1)


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with what requirements-dev.txt installs."""
    folder = tmp_path_factory.mktemp("environment")
    return make_environment(folder, wheel, [*extra_distributions("emulator"), "pytest"]) / "python"


@pytest.mark.parametrize("starter", STARTERS)
def test_the_projects_own_tests_pass_with_the_wheel_that_it_names(
    starter: str, projects: Path, python: Path, cache: Path
) -> None:
    environment = clean_environment(STREAMIFY_CACHE_DIR=str(cache))

    printed = run(python, "-m", "pytest", cwd=projects / starter, env=environment, timeout=600)

    assert re.search(rf"=== {FUNCTIONS[starter][2]} passed in ", printed), printed


@pytest.mark.parametrize("starter", STARTERS)
def test_the_project_is_valid_and_builds_its_function_and_this_repositorys_layer_with_bytecode(
    starter: str, projects: Path, sam_environment: dict[str, str]
) -> None:
    project, (function, file, _) = projects / starter, FUNCTIONS[starter]
    assert "is a valid SAM Template" in run("sam", "validate", "--lint", cwd=project, env=sam_environment)

    printed = run("make", "build", cwd=project, env=sam_environment, umask=0o077, timeout=600)

    built = project / ".aws-sam" / "build"
    assert modes(built / "StreamifyLayer") == LAYER_MODES
    assert (built / function / file).is_file()
    assert f"{function} ({RUNTIME}): " in printed
    assert bytecode_file(built / function / "app.py", RUNTIME).is_file()
    assert without_bytecode(modules(built / "StreamifyLayer" / "python"), [RUNTIME]) == []


def test_without_input_it_is_the_generator(wheel: Path, sam_environment: dict[str, str], tmp_path: Path) -> None:
    answers = {"runtime": RUNTIME, "streamify_version": f" @ {wheel.as_uri()}"}
    run(
        *("sam", "init", "--location", ROOT, "--no-input"),
        *("--name", "my-stream", "--extra-context", json.dumps(answers)),
        cwd=tmp_path,
        env=sam_environment | {"HOME": str(tmp_path)},
    )

    requirements = (tmp_path / "my-stream" / "layers" / "streamify" / "requirements.txt").read_text()
    assert (tmp_path / "my-stream" / "functions" / "stream" / "app.py").is_file()
    assert requirements == f"lambda-streamify @ {wheel.as_uri()}\n"


@pytest.mark.parametrize("starter", STARTERS[1:])
def test_what_the_starters_have_in_common_is_the_same(starter: str) -> None:
    first, other = ROOT / "templates" / STARTERS[0], ROOT / "templates" / starter
    shared = (".gitignore", "Makefile", "layers", "requirements-dev.txt", "samconfig.toml")

    assert files(other / INSIDE, *shared) == files(first / INSIDE, *shared), "run: make starters"
    assert files(other, "cookiecutter.json") == files(first, "cookiecutter.json"), "run: make starters"


def test_the_agents_starter_holds_the_sample(projects: Path) -> None:
    assert files(projects / "agent", "functions/agent") == files(ROOT, "functions/agent"), "run: make starters"


def files(folder: Path, *names: str) -> dict[str, str]:
    """Return the text of each file in these folders, and of these files."""
    paths = [path for name in names for path in (folder / name, *(folder / name).rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths if path.suffix != ".pyc"}


def test_without_answers_it_is_the_version_of_this_repository() -> None:
    package = ROOT / "layers" / "streamify" / "lambda_streamify" / "__init__.py"

    assert f'__version__ = "{QUESTIONS["streamify_version"].removeprefix("==")}"' in package.read_text()
