"""The package's types as users' checkers see them: mypy in strict mode and pyright, on the same files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copy

import pytest

from processes import ROOT

FOLDER = Path(__file__).parent
ACCEPTED = sorted((FOLDER / "accepted").glob("*.py"))
REJECTED = sorted((FOLDER / "rejected").glob("*.py"))
PACKAGES = (ROOT / "layers" / "streamify", ROOT / "emulator")
Found = set[tuple[str, int]]


@pytest.fixture(scope="module")
def by_mypy(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Where mypy finds errors: files and lines."""
    configuration = tmp_path_factory.mktemp("mypy") / "mypy.ini"
    configuration.write_text("[mypy]\nstrict = true\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(configuration), "--no-error-summary"]
    cache = f"--cache-dir={ROOT / '.mypy_cache' / 'typing'}"
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(map(str, PACKAGES))}
    checked = subprocess.run(
        [*command, cache, *map(str, ACCEPTED + REJECTED)],
        cwd=FOLDER, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert checked.returncode in (0, 1), checked.stderr
    found = re.findall(r"^(\S+\.py):(\d+): error:", checked.stdout, re.MULTILINE)
    return {(Path(file).name, int(line)) for file, line in found}


@pytest.fixture(scope="module")
def by_pyright(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Where pyright finds errors: files and lines."""
    folder = tmp_path_factory.mktemp("pyright")
    for path in ACCEPTED + REJECTED:
        copy(path, folder)
    settings = {"extraPaths": [str(path) for path in PACKAGES], "pythonVersion": "3.10", "strict": ["."]}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    checked = subprocess.run(
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable],
        cwd=folder, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if not checked.stdout.startswith("{"):
        pytest.skip(f"pyright does not run here: {(checked.stderr or checked.stdout)[-200:]}")
    report = json.loads(checked.stdout)
    assert report["summary"]["filesAnalyzed"] >= len(ACCEPTED + REJECTED)
    return {
        (Path(found["file"]).name, found["range"]["start"]["line"] + 1)
        for found in report["generalDiagnostics"]
        if found["severity"] == "error"
    }


@pytest.mark.parametrize("checker", ["by_mypy", "by_pyright"])
def test_what_users_write_is_accepted(checker: str, request: pytest.FixtureRequest) -> None:
    found: Found = request.getfixturevalue(checker)
    names = {path.name for path in ACCEPTED}

    assert sorted(where for where in found if where[0] in names) == []


@pytest.mark.parametrize("checker", ["by_mypy", "by_pyright"])
def test_mistakes_are_errors_where_they_are_made(checker: str, request: pytest.FixtureRequest) -> None:
    found: Found = request.getfixturevalue(checker)
    names = {path.name for path in REJECTED}
    expected = {
        (path.name, number)
        for path in REJECTED
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if line.endswith("# error")
    }

    assert sorted(where for where in found if where[0] in names) == sorted(expected)
