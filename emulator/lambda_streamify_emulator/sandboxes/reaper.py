"""A process that outlives the emulator by a moment, to end what it left behind, however it died.

It reads commands on its standard input, which the emulator holds: `+GROUP` when a process group starts, `-GROUP` when
it is gone. At the end of the input it kills the process groups that are left, stopped ones included, and removes
the folder that it was started with. It is a program of its own: run with `python -I -S`, it imports nothing else.
"""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

# For subprocess: a process group of its own. Not a session: in one, a stopped child would outlive a crashed emulator.
OWN_GROUP: dict[str, Any] = {"process_group": 0} if sys.version_info >= (3, 11) else {"preexec_fn": os.setpgrp}


class Reaper:
    """The emulator's end: it names the process groups that are to die with it."""

    def __init__(self, scratch: Path) -> None:
        read_end, self._pipe = os.pipe()
        command = [sys.executable, "-I", "-S", __file__, str(scratch)]
        # In a group of its own: what kills the emulator's whole group must leave somebody to clean up.
        self._process = subprocess.Popen(command, stdin=read_end, **OWN_GROUP)
        os.close(read_end)

    def add(self, group: int) -> None:
        """A process group has started."""
        os.write(self._pipe, b"+%d\n" % group)

    def enrol(self) -> None:
        """For `preexec_fn`: the new process makes a group of its own and names it itself, before it is anything else.

        To name it from outside, once it runs, would be too late if the emulator is killed in between.
        """
        os.setpgrp()
        os.write(self._pipe, b"+%d\n" % os.getpid())

    def remove(self, group: int) -> None:
        """A process group is gone, killed."""
        os.write(self._pipe, b"-%d\n" % group)

    def close(self) -> None:
        """The emulator ends: have everything cleaned up that is left, and wait for it."""
        os.close(self._pipe)
        self._process.wait()


def main() -> None:
    """Wait for the emulator's end, then clean up after it."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # meant for the emulator, whose end it awaits
        signal.signal(ignored, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
    shutil.rmtree(sys.argv[1], ignore_errors=True)


if __name__ == "__main__":
    main()
