"""A process that cleans up after the emulator: it kills the process groups that are left, however the emulator ended.

The reaper reads commands from its standard input, a pipe from the emulator: `+GROUP MARK...` when a process group
starts, `-GROUP` when it has ended. A MARK is an environment variable, NAME=VALUE, that only this group has. It
identifies the processes that have left the group, which the reaper kills with the group. When the pipe closes, the
reaper kills all groups that are left, including stopped ones. Then it runs the programs that it got with `!JSON`, which
end what is not a process in a group, such as containers, and removes the folder in its argument. The reaper is a
program of its own, run with `python -I -S`, and imports only the standard library.

A process escapes if it has left its group and its environment cannot be read or was emptied. Without /proc, as on
macOS, every process that has left its group escapes.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

READ_SIZE_BYTES = 64 * 1024  # of one read: the capacity of a pipe on Linux
PROGRAM_TIMEOUT_S = 30  # of a program that runs at the end


def in_group(group: int) -> dict[str, Any]:
    """Return the arguments for subprocess that put a process into a process group, or into a new one if it is 0.

    Not into a new session: there, a stopped child would survive a crash of the emulator.
    """
    return {"process_group": group} if sys.version_info >= (3, 11) else {"preexec_fn": partial(os.setpgid, 0, group)}


OWN_GROUP = in_group(0)


class Reaper:
    """The emulator's side: it registers the process groups that must end with the emulator."""

    def __init__(self, scratch: Path) -> None:
        self.name = uuid4().hex
        """A name that only this reaper has, for what it has to end."""
        read_end, self._pipe = os.pipe()
        command = [sys.executable, "-I", "-S", __file__, str(scratch)]
        # In its own group, so that it survives a signal that kills the emulator's whole group.
        self._process = subprocess.Popen(command, stdin=read_end, env=_own_environment(), **OWN_GROUP)
        os.close(read_end)

    def add(self, group: int, *marks: str) -> None:
        """Register a process group. A mark is an environment variable, NAME=VALUE, that only this group has."""
        os.write(self._pipe, b"+%d %b\n" % (group, " ".join(marks).encode()))

    def enrol(self) -> None:
        """Create and register a process group from within a new process, as its `preexec_fn`.

        If the emulator registered the group afterwards, the process would survive a kill in between.
        """
        os.setpgrp()
        os.write(self._pipe, b"+%d \n" % os.getpid())

    def remove(self, group: int) -> None:
        """Unregister a process group that has been killed. The reaper kills processes that have left it."""
        os.write(self._pipe, b"-%d\n" % group)

    def run_at_end(self, command: list[str], environment: Mapping[str, str]) -> None:
        """Register a program that runs once when all process groups have been killed. It may be registered again."""
        os.write(self._pipe, b"!%b\n" % json.dumps({"args": command, "env": dict(environment)}).encode())

    def close(self) -> None:
        """Have the reaper clean up everything that is left, and wait for it."""
        os.close(self._pipe)
        self._process.wait()


def _own_environment() -> dict[str, str]:
    """Return the variables that the reaper's interpreter needs. The others may be secret, and /proc would show them."""
    return {name: value for name, value in os.environ.items() if name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")}


def main() -> None:
    """Wait for the emulator's end, then clean up after it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # meant for the emulator; the reaper ends after it
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[int, set[bytes]] = {}
    programs = dict[bytes, None]()  # each once, in their order
    rest = b""
    while data := os.read(sys.stdin.fileno(), READ_SIZE_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        gone: set[bytes] = set()
        for line in lines:
            if line.startswith(b"!"):
                programs[line[1:]] = None
                continue
            group, _, marks = line[1:].partition(b" ")
            if line.startswith(b"+"):
                groups[int(group)] = set(marks.split())
            else:
                gone |= groups.pop(int(group), set())
        end_marked(gone)
    for left in groups:
        with suppress(ProcessLookupError, PermissionError):  # the group is gone; macOS reports that as EPERM
            os.killpg(left, signal.SIGKILL)
    end_marked(set().union(*groups.values()))
    run_all(programs)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


def run_all(programs: Iterable[bytes]) -> None:
    """Run these programs one after the other, whatever becomes of each."""
    for program in programs:
        with suppress(OSError, subprocess.TimeoutExpired):
            command: dict[str, Any] = json.loads(program)
            null = subprocess.DEVNULL
            subprocess.run(
                command["args"],
                env=command["env"],
                stdin=null,
                stdout=null,
                stderr=null,
                timeout=PROGRAM_TIMEOUT_S,
                check=False,
            )


def end_marked(marks: set[bytes]) -> None:
    """Kill each process with one of the marks in its environment, including those that start during the call."""
    ended: set[int] = set()
    while marks and (found := {process for process in _processes() if _has_mark(process, marks)} - ended):
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        ended |= found


def _processes() -> set[int]:
    with suppress(OSError):
        return {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()}
    return set()


def _has_mark(process: int, marks: set[bytes]) -> bool:
    with suppress(OSError):
        return not marks.isdisjoint(Path(f"/proc/{process}/environ").read_bytes().split(b"\0"))
    return False


if __name__ == "__main__":
    main()
