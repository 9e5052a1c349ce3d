"""Runs the programs of a build, make and pip. They and the processes that they start end with the emulator."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

from ..errors import BuildError
from ..processes.reaper import OWN_GROUP, Reaper

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Programs:
    """Runs programs until it is stopped. Several threads may use it."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self._lock = Lock()  # a program starts before `stop`, which then kills it, or not at all
        self._running: set[int] = set()
        self._stopped = False

    @property
    def is_stopped(self) -> bool:
        """Whether it starts no further program."""
        return self._stopped

    def run(
        self, command: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run the program to its end. The `stdout` of the result contains both outputs.

        Raises BuildError if the emulator has stopped.
        """
        with self._lock:
            if self._stopped:
                raise BuildError("the emulator has stopped")
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,  # in its own group it could not read from a terminal
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                **OWN_GROUP,
            )
            self._running.add(process.pid)
            self._reaper.add(process.pid)
        output, _ = process.communicate()
        with self._lock:
            _kill(process.pid)
            self._reaper.remove(process.pid)
            self._running.remove(process.pid)
        return subprocess.CompletedProcess(command, process.returncode, output)

    def stop(self) -> None:
        """Kill all running programs; none can start after this. Any thread may call it."""
        with self._lock:
            self._stopped = True
            for group in self._running:
                _kill(group)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # the group is gone; macOS reports that as EPERM
        os.killpg(group, signal.SIGKILL)
