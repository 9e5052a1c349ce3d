"""The programs that build what is served: make and pip. They end, with all that they start, when the emulator does."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Lock

from ..errors import BuildError
from ..sandboxes.reaper import OWN_GROUP, Reaper

Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Programs:
    """Runs programs, from as many threads as there are, until it is stopped."""

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self._lock = Lock()  # a program either starts before `stop`, which then kills it, or not at all
        self._running: set[int] = set()
        self._stopped = False

    def run(
        self, command: list[str], *, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run the program to its end; what it prints, on either output, is the result's `stdout`."""
        with self._lock:
            if self._stopped:
                raise BuildError("the emulator has stopped")
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=env,
                stdin=subprocess.DEVNULL,  # from a group of its own it could not read a terminal
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
        """Kill all that run, and let nothing start any more. It may be called from another thread."""
        with self._lock:
            self._stopped = True
            for group in self._running:
                _kill(group)


def _kill(group: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # gone already; macOS says so with EPERM
        os.killpg(group, signal.SIGKILL)
