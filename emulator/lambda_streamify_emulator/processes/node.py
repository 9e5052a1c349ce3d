"""Node.js on this machine, which runs functions whose runtime is one of Node.js's."""

import re
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import which

from ..errors import InterpreterError


@dataclass(frozen=True)
class Node:
    """The program `node`. `version` is such as "20.20.2"."""

    program: Path
    version: str

    @property
    def major(self) -> int:
        """The first number of the version."""
        return int(self.version.partition(".")[0])

    def notice(self, runtime: str) -> str | None:
        """Return a message if the version differs from `runtime`, such as "nodejs22.x"; None if it does not."""
        if runtime == f"nodejs{self.major}.x":
            return None
        return f"no {runtime} on this machine: its functions run on Node.js {self.version}"


def find_node() -> Node:
    """Return the `node` on PATH. Raises InterpreterError if there is none, or if it does not run."""
    program = which("node")
    if program is None:
        raise InterpreterError("there is no `node` on the PATH: install Node.js")
    return Node(Path(program), _version(program, Path(program).stat().st_mtime_ns))


@cache
def _version(program: str, _changed_ns: int) -> str:
    """Return the version of a program, which is asked once as long as its file stays: many functions may need it."""
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InterpreterError(f"{program} does not run: {error}") from error
    found = re.fullmatch(r"v(\d+\.\d+\.\d+)\S*", done.stdout.strip())
    if found is None:
        raise InterpreterError(f"`{program} --version` printed {done.stdout.strip()!r}, which is no version of Node.js")
    return found[1]
