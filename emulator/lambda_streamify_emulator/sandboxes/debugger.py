"""Debugging a function with debugpy, which VS Code and other editors attach to.

debugpy must come from the function's own packages, because it is compiled for one version of Python.
"""

import shlex
import socket
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ..errors import EmulatorError
from ..template.reader import Function
from . import debug_launcher
from .environment import Folders

PORT = 5678  # debugpy's default
DEBUG_TIMEOUT_S = 10 * 60 * 60  # long enough for a person; `sam local` uses the same value


def with_debug_timeout(function: Function) -> Function:
    """Return the function with a timeout that is long enough for debugging."""
    return replace(function, timeout=DEBUG_TIMEOUT_S)


def check_name(name: str, functions: Iterable[Function]) -> None:
    """Raise EmulatorError if no function has this name."""
    names = [function.name for function in functions]
    if name not in names:
        raise EmulatorError(f"--debug {name}: there is no such function; there are {', '.join(names)}")


def find_debugpy(folders: Folders, version: str) -> Path | None:
    """Return the folder with the function's debugpy; None if it has none. `version` is such as "python3.12"."""
    packages = folders.opt / "python"
    for folder in (folders.task, packages / "lib" / version / "site-packages", packages):
        if (folder / "debugpy").is_dir():
            return folder
    return None


def missing(function: Function) -> str:
    """Return the message for a function without debugpy."""
    return f"{function.name} cannot be debugged without debugpy: pip install --target {function.code} debugpy"


def make_interpreter(python: Path, debugpy: Path, folder: Path) -> tuple[Path, int]:
    """Write a program to `folder` that acts as `python` and lets a debugger attach; return it and the debugger's port.

    The program must be a single file, because a wrapper starts it as the interpreter.
    """
    port = _free_port()
    # Frozen modules have no lines to stop at; debugpy would print a warning about them.
    words = [str(python), "-X", "frozen_modules=off", debug_launcher.__file__, str(port), str(debugpy)]
    program = folder / f"python-debugged-at-{port}"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program, port


def _free_port() -> int:
    """Return debugpy's default port, or any free one if that is in use."""
    try:
        free = socket.create_server(("127.0.0.1", PORT))
    except OSError:
        free = socket.create_server(("127.0.0.1", 0))
    with closing(free):
        return int(free.getsockname()[1])
