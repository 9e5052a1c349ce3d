"""Stopping a sandbox between invocations, as Lambda freezes execution environments: no thread of it runs."""

import os
import re
import signal
from contextlib import suppress

from .memory import read

_TRACER = re.compile(rb"\nTracerPid:\s+(\d+)")


def freeze(group: int, runtime: int | None = None) -> bool:
    """Stop a process group; return whether it is stopped. `runtime` is the runtime's process, by default the leader.

    A group is not stopped while a debugger is attached to the runtime: the debugger would report an unexpected stop.
    """
    if _is_traced(group if runtime is None else runtime):
        return False
    return send_signal(group, signal.SIGSTOP)


def thaw(group: int) -> None:
    """Continue a stopped process group."""
    send_signal(group, signal.SIGCONT)


def send_signal(group: int, number: signal.Signals) -> bool:
    """Send a signal to a process group; return whether the group exists."""
    with suppress(ProcessLookupError, PermissionError):  # the group is gone; macOS reports that as EPERM
        os.killpg(group, number)
        return True
    return False


def _is_traced(process: int) -> bool:
    """Whether a debugger is attached (proc_pid_status(5)); false without /proc."""
    with suppress(OSError):
        found = _TRACER.search(read(f"/proc/{process}/status"))
        return found is not None and found[1] != b"0"
    return False
