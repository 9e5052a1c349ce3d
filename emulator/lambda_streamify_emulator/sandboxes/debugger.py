"""Debugging a function with debugpy, which VS Code and other editors attach to.

It has to be one that the function could import: debugpy is compiled for one version of Python.
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

PORT = 5678  # debugpy's own
TIMEOUT = 10 * 60 * 60  # seconds: for a human; `sam local` gives as many


def debugged(function: Function) -> Function:
    """The function with the time that a human needs."""
    return replace(function, timeout=TIMEOUT)


def check_name(name: str, functions: Iterable[Function]) -> None:
    """Raise EmulatorError if no function has this name."""
    names = [function.name for function in functions]
    if name not in names:
        raise EmulatorError(f"--debug {name}: there is no such function; there are {', '.join(names)}")


def find_debugpy(folders: Folders, version: str) -> Path | None:
    """The folder in which the function has debugpy, on a Python `version` such as "python3.12"; None if it has none."""
    packages = folders.opt / "python"
    for folder in (folders.task, packages / "lib" / version / "site-packages", packages):
        if (folder / "debugpy").is_dir():
            return folder
    return None


def missing(function: Function) -> str:
    """What to do if the function has no debugpy."""
    return f"{function.name} has no debugpy to be debugged with: pip install --target {function.code} debugpy"


def make_interpreter(python: Path, debugpy: Path, folder: Path) -> tuple[Path, int]:
    """A program that does as `python` does, and lets a debugger attach to a port; that is the port.

    `folder` takes the program. A wrapper starts what it is given as the interpreter, so it has to be one file.
    """
    port = _free_port()
    # Modules that are frozen into the interpreter have no lines to stop at; debugpy would complain of them.
    words = [str(python), "-X", "frozen_modules=off", debug_launcher.__file__, str(port), str(debugpy)]
    program = folder / f"python-debugged-at-{port}"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program, port


def _free_port() -> int:
    """The port of debugpy itself, unless that is taken."""
    try:
        free = socket.create_server(("127.0.0.1", PORT))
    except OSError:
        free = socket.create_server(("127.0.0.1", 0))
    with closing(free):
        return int(free.getsockname()[1])
