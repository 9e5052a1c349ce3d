"""Where the programs of external extensions are, and how each is started."""

from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from ..processes.groups import start_in_group
from .environment import extension_environment

FOLDER = "extensions"  # in /opt


class Programs(Protocol):
    """The programs of one sandbox's external extensions."""

    in_container: bool
    """Whether they run in the container of the runtime: they start after it, and end with it at the latest."""

    def names(self) -> list[str]:
        """Return the names of the programs, sorted. Raises OSError."""

    async def can_start(self) -> bool:
        """Wait until programs can be started; return False if they never can, since the runtime has ended."""

    async def start(self, name: str, environment: Mapping[str, str], sandbox: str, group: int, output: int) -> Process:
        """Start a program, whose output goes to a file descriptor. Raises OSError.

        `environment` is the runtime's, `sandbox` the sandbox's own name. `group` is the process group of those that
        were started before, 0 for the first.
        """

    async def wait(self, process: Process) -> int | None:
        """Wait for the end; return the exit code, negative for a signal, or None if it has ended with the runtime."""


def find_programs(opt: Path) -> list[Path]:
    """Return the programs of external extensions in the folder that replaces /opt, sorted by their names."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(path for path in (opt / FOLDER).iterdir() if path.is_symlink() or not path.is_dir())
    return []


class FolderPrograms:
    """Programs in a folder of this machine, which replaces /opt."""

    in_container = False

    def __init__(self, opt: Path) -> None:
        self._opt = opt

    def names(self) -> list[str]:
        """Return the names of the files. Raises OSError if the folder cannot be read."""
        return [program.name for program in find_programs(self._opt)]

    async def can_start(self) -> bool:
        """Return True: nothing has to be there before."""
        return True

    async def start(self, name: str, environment: Mapping[str, str], sandbox: str, group: int, output: int) -> Process:
        """Start a program in the process group, or in one of its own if `group` is 0. Raises OSError."""
        return await start_in_group(
            group,
            self._opt / FOLDER / name,
            env=extension_environment(environment, sandbox),
            cwd=self._opt,
            stdin=DEVNULL,
            stdout=output,
            stderr=STDOUT,
        )

    async def wait(self, process: Process) -> int:
        """Wait for the end; return the exit code, negative for a signal."""
        return await process.wait()
