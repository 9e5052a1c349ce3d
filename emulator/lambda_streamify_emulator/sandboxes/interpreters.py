"""The Python that stands for a function's runtime, in an environment with nothing installed.

A function must not find the emulator's dependencies, nor the developer's: on AWS it would find neither.
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

from ..building.cache import build_once
from ..errors import InterpreterError

# AWS Lambda Developer Guide, "Lambda runtimes" (supported Python runtimes, November 2026).
RUNTIMES = ("python3.10", "python3.11", "python3.12", "python3.13", "python3.14")


@dataclass(frozen=True)
class Interpreter:
    """`python`, of a version such as "python3.12", runs the function; `notice` says if its runtime names another."""

    python: Path
    version: str
    notice: str | None = None


def find_interpreter(runtime: str) -> Interpreter:
    """The interpreter for `runtime`: from PATH, else pyenv's, else the emulator's own version."""
    python, version = locate(runtime)
    notice = None if version == runtime else f"no {runtime} on this machine: its functions run on {version}"
    return Interpreter(_empty_environment(python), version, notice)


def locate(runtime: str) -> tuple[str, str]:
    """The program that `find_interpreter` would take, and its version, such as "python3.12"."""
    if runtime not in RUNTIMES:
        raise InterpreterError(f"there is no Python runtime {runtime!r} on Lambda; there are {', '.join(RUNTIMES)}")
    for candidate in _candidates(runtime):
        if _version(candidate) == runtime:
            return candidate, runtime
    return sys.executable, _version(sys.executable) or sys.executable


def _candidates(runtime: str) -> Iterator[str]:
    found = which(runtime)
    if found and Path(found).parent.name != "shims":  # pyenv's: slow, and which Python they start depends on the folder
        yield found
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    installed = (root / "versions").glob(f"{runtime.removeprefix('python')}.*/bin/{runtime}")
    yield from map(
        str, sorted(installed, key=lambda path: [int(n) for n in re.findall(r"\d+", str(path))], reverse=True)
    )


def _version(python: str) -> str | None:
    """What `python` is, such as "python3.12"; None if it does not run, as pyenv's shims on PATH may not."""
    code = "import sys; print('python%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([python, "-I", "-S", "-c", code], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _empty_environment(python: str) -> Path:
    real = Path(python).resolve()
    key = sha256(f"{real} {real.stat().st_mtime_ns}".encode()).hexdigest()[:12]

    def build(folder: Path) -> None:
        done = subprocess.run(
            [real, "-m", "venv", "--without-pip", folder], capture_output=True, text=True, timeout=120, check=False
        )
        if done.returncode:
            raise InterpreterError(f"{real} cannot make an environment: {done.stderr.strip() or done.stdout.strip()}")

    return build_once(f"{real.name}-{key}", build) / "bin" / "python"
