"""Which runtimes the emulator has, and the command that starts each one.

Python and Node.js run under AWS's own clients, OS-only runtimes (`provided.*`) by their `bootstrap`. For any other
runtime a wrapper has to start one.
"""

from dataclasses import dataclass
from errno import ENOENT
from pathlib import Path
from typing import Protocol

from ..containers.engine import find_engine
from ..errors import EngineError, InterpreterError
from ..processes.interpreters import RUNTIMES
from ..processes.node import find_node
from ..template.reader import Function
from .environment import WRAPPER, Folders, is_os_only

OUR_WRAPPER, DISABLED = "/opt/streamify", "STREAMIFY_DISABLE"
_FALSE = ("", "0", "false")  # docs/reference/settings.md
# The wrapper is started with this command, which it may pass on to `exec`.
_ABSENT = 'echo "there is no runtime $0 here: the wrapper has to start one itself" >&2; exit 127'


def not_served(function: Function) -> str | None:
    """Return why no runtime here can run the function; None if one can."""
    if function.image is not None:
        return _no_engine()
    if function.build_method == "esbuild":
        return "its BuildMethod is esbuild: run `sam build`, and serve .aws-sam/build/template.yaml"
    return _no_runtime(function)


def _no_runtime(function: Function) -> str | None:
    runtime = function.runtime
    if runtime.startswith("python"):
        known = ", ".join(RUNTIMES)
        return None if runtime in RUNTIMES else f"there is no Python runtime {runtime!r} on Lambda; there are {known}"
    if is_os_only(runtime) or WRAPPER in function.environment:
        return None
    if not runtime.startswith("nodejs"):
        return f"the emulator has no runtime for {runtime}; one that a layer brings is started with {WRAPPER}"
    try:
        find_node()
    except InterpreterError as error:
        return f"its runtime is {runtime}, and {error}"
    return None


def _no_engine() -> str | None:
    try:
        find_engine()
    except EngineError as error:
        return f"its PackageType is Image, and {error}"
    return None


def needs_client(function: Function) -> bool:
    """Whether AWS's own client may run the function: not under the layer, which has a client of its own."""
    disabled = function.environment.get(DISABLED, "") not in _FALSE
    return function.environment.get(WRAPPER) != OUR_WRAPPER or disabled


class Runtime(Protocol):
    """Starts functions."""

    def command(self, interpreter: Path | None, folders: Folders, function: Function) -> list[str]:
        """Return the command that starts the function. Raises OSError if there is none."""


class PythonRuntime:
    """AWS's images for Python: the interpreter runs the script in /var/runtime."""

    def command(self, interpreter: Path | None, folders: Folders, function: Function) -> list[str]:
        """Return the command, which a wrapper gets as on AWS."""
        return [str(interpreter), str(folders.runtime / "bootstrap.py")]


PYTHON = PythonRuntime()


@dataclass(frozen=True)
class NodeRuntime:
    """AWS's client for Node.js. `script` starts it."""

    script: Path

    def command(self, interpreter: Path | None, folders: Folders, function: Function) -> list[str]:
        """Return the command; the client needs the name of the handler."""
        return [str(interpreter), str(self.script), function.handler]


class OsOnlyRuntime:
    """The `bootstrap` of the function, or else of its layers.

    Source of the order: AWS Lambda Developer Guide, "Building a custom runtime".
    """

    def command(self, interpreter: Path | None, folders: Folders, function: Function) -> list[str]:
        """Return the program. Raises FileNotFoundError if there is none."""
        for folder in (folders.task, folders.opt):
            if (folder / "bootstrap").is_file():
                return [str(folder / "bootstrap")]
        reason = "there is no such file, and none in the function's layers: build it first"
        raise FileNotFoundError(ENOENT, reason, str(folders.task / "bootstrap"))


class AbsentRuntime:
    """A runtime that is not here, for a function whose wrapper starts another one."""

    def command(self, interpreter: Path | None, folders: Folders, function: Function) -> list[str]:
        """Return a command that reports its absence, for a wrapper that runs it all the same."""
        return ["/bin/sh", "-c", _ABSENT, function.runtime]
