"""Installs packages from PyPI, or from the index that the user has configured: with uv where it is, else with pip."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from ..errors import BuildError
from .programs import Run

# uv draws its explanations with box characters, and names the causes of an error on lines of their own.
_DRAWN = re.compile(r"[\s╰─▶├│\u00d7]+")


@dataclass(frozen=True)
class Installer:
    """A program that installs packages. `name` is "uv" or "pip"."""

    name: str
    program: str
    """The path of uv, or of the Python that pip is installed in."""

    def command(self, what: Sequence[str], target: Path, python: Path | None) -> list[str]:
        """Return the command that installs `what` into `target`, for `python` or else for the emulator's own.

        Both compile bytecode: a first invocation that had to do it could exceed its timeout.
        """
        if self.name == "uv":
            options = ["--quiet", "--no-progress", "--color", "never", "--python", str(python or sys.executable)]
            return [self.program, "pip", "install", *options, "--compile-bytecode", "--target", str(target), *what]
        interpreter = ["--python", str(python)] if python else []
        options = ["--quiet", "--disable-pip-version-check"]
        return [self.program, "-m", "pip", *interpreter, "install", *options, "--target", str(target), *what]

    def reason(self, output: str) -> str:
        """Return why the program has failed, in one line."""
        if self.name == "uv":
            return _DRAWN.sub(" ", output).strip() or "uv printed nothing"
        return (output.strip().splitlines() or ["pip printed nothing"])[-1]


def find_installer() -> Installer:
    """Return uv if it is on PATH, else the pip of the emulator's environment."""
    uv = which("uv")
    return Installer("uv", uv) if uv else Installer("pip", sys.executable)


def install_packages(subject: str, what: Sequence[str], target: Path, run: Run, python: Path | None = None) -> None:
    """Install `what`, the arguments of `pip install`, into the folder `target` for the interpreter `python`.

    Raises BuildError if that fails; its message begins with `subject`.
    """
    installer = find_installer()
    done = run(installer.command(what, target, python))
    if done.returncode:
        raise BuildError(f"{subject}: {installer.name} could not install it: {installer.reason(done.stdout)}")
