"""Hides the emulator's environment variables, which may contain the developer's secrets, from the functions.

On Linux a process can read in /proc the environment with which another process of the same user was started. This
module overwrites that memory, so that nobody can read it there, not even root. The emulator and the processes that it
starts on purpose keep their variables.

This is no security boundary. The emulator's memory can still be read by root, and by processes of the same user unless
Linux forbids it (ptrace_scope of Yama). Functions run as the developer, with access to the same files and processes.
"""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

# proc_pid_stat(5): env_start and env_end are fields 50 and 51. The fields after the command in parentheses start at 3.
ENV_START, ENV_END = 50 - 3, 51 - 3


def hide() -> None:
    """Overwrite the environment that /proc shows for this process. Does nothing without /proc."""
    with suppress(OSError):
        fields = Path("/proc/self/stat").read_text(errors="replace").rpartition(")")[2].split()
        start, end = int(fields[ENV_START]), int(fields[ENV_END])
        if 0 < start < end:  # 0 if the kernel does not report the address
            for name, value in os.environb.items():
                os.putenv(name, value)  # moves the variable out of the memory that is overwritten
            ctypes.memset(start, 0, end - start)
