"""Runs the Pythons that compile, and reports what takes longer than a second."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile

from ..errors import BuildError
from . import compile_script
from .plan import Job

REPORT_INTERVAL_S = 1
# Without a fixed seed the order of constants in a set, and so the bytecode, differs from run to run.
_ENVIRONMENT = {"PYTHONHASHSEED": "0"}


@dataclass
class Compiled:
    """What became of the modules of a job."""

    job: Job
    written: int = 0
    kept: int = 0
    """The modules that had the same bytecode before."""
    bytes_added: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    """Why a module has no bytecode, by its path in the package."""


def compile_modules(job: Job, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> Compiled:
    """Compile the modules of a job. Raises BuildError if bytecode cannot be written, or if the Python fails."""
    compiled = Compiled(job)
    last, package = clock(), job.package
    with TemporaryFile() as errors, _start(job, errors.fileno()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        files = [(str(module), job.shown(module)) for module in job.modules]
        process.stdin.write(json.dumps(files).encode())
        process.stdin.close()
        for number, line in enumerate(process.stdout, 1):
            _add(compiled, json.loads(line))
            if clock() - last >= REPORT_INTERVAL_S:
                last = clock()
                say(f"{package.name}: {number} of {len(files)} modules compiled by {job.runtime}")
        if process.wait():
            errors.seek(0)
            lines = errors.read().decode("utf-8", "replace").strip().splitlines() or ["it printed no reason"]
            raise BuildError(f"{package.name}: {job.python} cannot compile its modules: {lines[-1]}")
    return compiled


def _start(job: Job, errors: int) -> "subprocess.Popen[bytes]":
    # -S and -s: nothing that is installed beside this Python may take part. -W: warnings are for the authors.
    command = [job.python, "-s", "-S", "-W", "ignore", compile_script.__file__]
    environment = {**_ENVIRONMENT, "PATH": os.environ.get("PATH", os.defpath)}
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)


def _add(compiled: Compiled, result: dict[str, str | int]) -> None:
    if "failure" in result:
        raise BuildError(f"{compiled.job.package.name}: {result['file']} gets no bytecode: {result['failure']}")
    if "error" in result:
        path = Path(str(result["file"])).relative_to(compiled.job.package.folder)
        compiled.problems[path.as_posix()] = str(result["error"])
        return
    compiled.bytes_added += int(result["added"])
    if result["is_written"]:
        compiled.written += 1
    else:
        compiled.kept += 1
