"""Stopping a sandbox between its invocations, as Lambda freezes its execution environments: no thread of it runs on."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def freeze(group: int) -> bool:
    """Stop a process group, whose leader has its number; returns whether it is stopped.

    It is not if a debugger has attached to the leader: that would see a stop that nobody has asked it for.
    """
    if _is_traced(group):
        return False
    return tell(group, signal.SIGSTOP)


def thaw(group: int) -> None:
    """Let it go on."""
    tell(group, signal.SIGCONT)


def tell(group: int, number: signal.Signals) -> bool:
    """Send a signal to a process group; returns whether that was there to get it."""
    with suppress(ProcessLookupError, PermissionError):  # gone already; macOS says so with EPERM
        os.killpg(group, number)
        return True
    return False


def _is_traced(process: int) -> bool:
    """See proc_pid_status(5); without /proc it is not known."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("TracerPid:"):
                return line.split()[1] != "0"
    return False
