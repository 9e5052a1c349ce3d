"""The installed wheel where the sources are removed: tests of the layer and the emulator, and both type checkers."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from built_wheel import export_project, extra_distributions, make_environment
from processes import ROOT, clean_environment, run

# Tests of each package that read no source, and one that starts the command `streamify`.
WITHOUT_SOURCES = (
    "tests/unit/layer/_response",
    "tests/unit/layer/_wire",
    "tests/unit/emulator/replays",
    "tests/commands/test_serve_without_template.py",
)
TOOLS = ("awslambdaric", "hypothesis", "jsonschema", "pytest")
USERS_FILE = ROOT / "tests" / "typing" / "accepted" / "handlers.py"
# Both would be Any, and this line no error, if a package had no types.
MISUSE = """
from lambda_streamify import StreamingResponse
from lambda_streamify_emulator.testing import Streamify

def test_types(streamify: Streamify) -> None:
    StreamingResponse([], status="200")  # error
    streamify.get(7)  # error
"""


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of executables of a virtual environment with the wheel, its extra and the tools of its tests."""
    folder = tmp_path_factory.mktemp("environment")
    return make_environment(folder, wheel, [*extra_distributions("emulator"), *TOOLS])


def test_the_tests_pass_where_there_are_no_sources(site: Path, tmp_path: Path, cache: Path) -> None:
    project = export_project(tmp_path / "project")
    for sources in ("layers", "emulator"):
        shutil.rmtree(project / sources)

    printed = run(
        *(site / "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *WITHOUT_SOURCES),
        cwd=project,
        env=clean_environment(STREAMIFY_CACHE_DIR=str(cache)),
        timeout=600,
    )

    assert re.search(r"^[1-9]\d\d+ passed", printed, re.MULTILINE), printed


@pytest.fixture(scope="module")
def users_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a user has written, good and bad."""
    folder = tmp_path_factory.mktemp("user")
    shutil.copy(USERS_FILE, folder)
    (folder / "misuse.py").write_text(MISUSE)
    return folder


EXPECTED = [("misuse.py", number) for number, line in enumerate(MISUSE.splitlines(), 1) if line.endswith("# error")]


def test_mypy_reads_the_types_of_the_installed_wheel(site: Path, users_files: Path) -> None:
    command = (sys.executable, "-m", "mypy", "--strict", "--python-executable", site / "python", ".")

    printed = run(*command, cwd=users_files, status=1, timeout=600)

    found = re.findall(r"^(\S+\.py):(\d+): error:", printed, re.MULTILINE)
    assert [(name, int(line)) for name, line in found] == EXPECTED, printed


def test_pyright_reads_the_types_of_the_installed_wheel(site: Path, users_files: Path) -> None:
    (users_files / "pyrightconfig.json").write_text(json.dumps({"strict": ["."]}))
    checked = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", site / "python"],
        cwd=users_files,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if not checked.stdout.startswith("{"):
        pytest.skip(f"pyright does not run here: {(checked.stderr or checked.stdout)[-200:]}")
    report = json.loads(checked.stdout)

    found = [
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in report["generalDiagnostics"]
        if each["severity"] == "error"
    ]
    assert found == EXPECTED, report["generalDiagnostics"]
