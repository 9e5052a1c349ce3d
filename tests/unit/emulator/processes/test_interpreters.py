import subprocess
import sys
from pathlib import Path

import pytest

from lambda_streamify_emulator.errors import InterpreterError
from lambda_streamify_emulator.processes.interpreters import find_interpreter

OWN = f"python{sys.version_info[0]}.{sys.version_info[1]}"
OTHER = "python3.13" if OWN != "python3.13" else "python3.12"

SAYS_ITS_VERSION = """#!/bin/sh
case "$*" in
    *"import sys"*) echo {version} ;;
    "-m venv"*) mkdir "$4/bin" && echo environment of {version} > "$4/bin/python" ;;
esac
"""


def put(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / name
    python.write_text(script)
    python.chmod(0o755)
    return python


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with a shell, and with no Python except the one that runs the tests."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


def test_the_python_on_the_path_runs_the_function_from_an_environment_of_its_own(machine: Path) -> None:
    put(machine / "bin", OTHER, SAYS_ITS_VERSION.format(version=OTHER))

    found = find_interpreter(OTHER)

    assert (found.version, found.notice) == (OTHER, None)
    assert found.python.is_relative_to(machine / "cache")
    assert found.python.read_text() == f"environment of {OTHER}\n"


def test_pyenvs_newest_is_taken_when_the_path_has_none(machine: Path) -> None:
    versions = machine / "pyenv" / "versions"
    for patch in ("2", "10", "9"):
        release = f"{OTHER.removeprefix('python')}.{patch}"
        script = SAYS_ITS_VERSION.format(version=OTHER).replace("environment of", f"environment of {patch}")
        put(versions / release / "bin", OTHER, script)

    assert find_interpreter(OTHER).python.read_text() == f"environment of 10 {OTHER}\n"


@pytest.mark.parametrize("broken", ["#!/bin/sh\nexit 1\n", "#!/absent\n", "#!/bin/sh\necho python2.7\n"])
def test_a_python_that_does_not_run_or_is_another_is_passed_over(machine: Path, broken: str) -> None:
    put(machine / "bin", OTHER, broken)
    put(machine / "pyenv/versions/3.0.0/bin", "python3.0", SAYS_ITS_VERSION.format(version="python3.0"))
    release = f"{OTHER.removeprefix('python')}.1"
    put(machine / "pyenv/versions" / release / "bin", OTHER, SAYS_ITS_VERSION.format(version=OTHER))

    assert find_interpreter(OTHER).python.read_text() == f"environment of {OTHER}\n"


def test_pyenvs_shims_are_not_started(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(machine / "pyenv/shims", OTHER, f"#!/bin/sh\ntouch {machine}/started\n")
    monkeypatch.setenv("PATH", f"{machine}/pyenv/shims:/usr/bin:/bin")

    assert find_interpreter(OTHER).notice is not None
    assert not (machine / "started").exists()


def test_without_that_python_the_emulators_own_runs_it_with_nothing_installed_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))

    found = find_interpreter(OTHER)

    assert found.version == OWN
    assert found.notice == f"no {OTHER} on this machine: its functions run on {OWN}"
    code = "import importlib.util, sys; print(sys.version_info[:2], importlib.util.find_spec('uvicorn'))"
    said = subprocess.run([found.python, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said == f"{sys.version_info[:2]} None\n"
    assert find_interpreter(OTHER) == found


def test_a_python_that_makes_no_environment_is_named_with_its_reason(machine: Path) -> None:
    script = SAYS_ITS_VERSION.format(version=OTHER).replace("mkdir", "echo no room >&2; exit 1 #")
    python = put(machine / "bin", OTHER, script)

    with pytest.raises(InterpreterError) as raised:
        find_interpreter(OTHER)

    assert str(raised.value) == f"{python.resolve()} cannot create a virtual environment: no room"


@pytest.mark.parametrize("runtime", ["python3.9", "nodejs22.x", "python3", "../python3.12", ""])
def test_a_runtime_that_lambda_does_not_have_is_refused(runtime: str) -> None:
    with pytest.raises(InterpreterError) as raised:
        find_interpreter(runtime)

    assert str(raised.value) == (
        f"there is no Python runtime {runtime!r} on Lambda; "
        "there are python3.10, python3.11, python3.12, python3.13, python3.14"
    )
