"""Processes that tests start: bounded in time, and untouched by the developer's shell and by the test run itself."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from shutil import which

ROOT = Path(__file__).resolve().parents[2]

# PYTHONDONTWRITEBYTECODE, for one, would hide that bytecode ships; by MAKEFLAGS `make test` speaks to its own children.
_FOREIGN = (
    *("PYTHON", "PYTEST_", "COVERAGE_", "AWS_", "SAM_", "STREAMIFY_", "MAKE", "MFLAGS", "VIRTUAL_ENV"),
    *("FORCE_COLOR", "NO_COLOR"),
)


def clean_environment(**variables: str) -> dict[str, str]:
    """Return the environment of a freshly opened shell whose PATH begins with the interpreter that runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    inherited["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{inherited['PATH']}"
    return inherited | variables


def run(
    *command: str | Path,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    umask: int = -1,
    timeout: float = 120,
    status: int = 0,
) -> str:
    """Return what the command prints, on both its outputs; any other exit status than `status` fails the test."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environment() if env is None else env,
        umask=umask,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == status, f"{command} exited {done.returncode}:\n{done.stdout}"
    return done.stdout


@cache
def interpreter(version: str) -> str | None:
    """Return a Python of this version, such as "3.12"; one that really runs, which pyenv's shims on PATH may not."""
    name = f"python{version}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [which(name), *map(str, pyenv.glob(f"{version}.*/bin/{name}"))]
    return next(filter(_runs, filter(None, candidates)), None)


def _runs(python: str) -> bool:
    return subprocess.run([python, "-c", ""], capture_output=True, timeout=30, check=False).returncode == 0
