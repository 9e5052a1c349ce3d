"""The Python interpreter for a function's runtime, in a virtual environment with no packages.

A function must not be able to import the emulator's dependencies, or the developer's: on AWS it could not. Nor must it
run bytecode of a source that has been edited since: on AWS a deployed source never changes.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import which

from ..caching.cache import build_once
from ..errors import InterpreterError

# AWS Lambda Developer Guide, "Lambda runtimes" (supported Python runtimes, November 2026).
RUNTIMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14")
# The effect of `--check-hash-based-pycs always`, for which there is no environment variable: the bytecode that
# `streamify precompile` writes is otherwise run without a look at its source. A line in the environment works for every
# way in which it is started, also by wrappers that drop options, by a debugger, and by the function's own processes.
_CHECKS = 'import _imp; _imp.check_hash_based_pycs = "always"\n'


@dataclass(frozen=True)
class Interpreter:
    """The interpreter `python` that runs a function; `version` is such as "python3.12".

    `notice` is a message if the version differs from the function's runtime.
    """

    python: Path
    version: str
    notice: str | None = None


def find_interpreter(runtime: str) -> Interpreter:
    """Return the interpreter for `runtime`: from PATH, else from pyenv, else the emulator's own."""
    python, version = locate(runtime)
    notice = None if version == runtime else f"no {runtime} on this machine: its functions run on {version}"
    return Interpreter(_empty_environment(python), version, notice)


def locate(runtime: str) -> tuple[str, str]:
    """Return the program that `find_interpreter` would choose, and its version, such as "python3.12".

    Raises InterpreterError if Lambda has no such runtime.
    """
    if runtime not in RUNTIMES:
        raise InterpreterError(f"there is no Python runtime {runtime!r} on Lambda; there are {', '.join(RUNTIMES)}")
    for candidate in _candidates(runtime):
        if _version(candidate) == runtime:
            return candidate, runtime
    return sys.executable, _version(sys.executable) or sys.executable


def _candidates(runtime: str) -> Iterator[str]:
    found = which(runtime)
    if found and Path(found).parent.name != "shims":  # pyenv's: slow, and their Python depends on the working folder
        yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = (root / "versions").glob(f"{runtime.removeprefix('python')}.*/bin/{runtime}")
    yield from map(
        str, sorted(installed, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], reverse=True)
    )


def _version(python: str) -> str | None:
    """Return the version of `python`, such as "python3.12"; None if it does not run."""
    code = "import sys; print('python%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _empty_environment(python: str) -> Path:
    real = Path(python).resolve()
    key = sha256(f"{real} {real.stat().st_mtime_ns} {_CHECKS}".encode()).hexdigest()[:12]

    def build(folder: Path) -> None:
        done = subprocess.run(
            [real, "-m", "venv", "--without-pip", folder], capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            reason = done.stderr.strip() or done.stdout.strip()
            raise InterpreterError(f"{real} cannot create a virtual environment: {reason}")
        for packages in folder.glob("lib/python*/site-packages"):
            (packages / "checked_bytecode.pth").write_text(_CHECKS, encoding="utf-8")

    return build_once(f"{real.name}-{key}", build) / "bin" / "python"
