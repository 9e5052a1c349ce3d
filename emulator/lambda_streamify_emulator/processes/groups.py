"""Starts processes in a process group that others share."""

import asyncio
import os
import subprocess
from asyncio.subprocess import Process
from contextlib import suppress
from pathlib import Path
from typing import Any

from .reaper import in_group


async def start_in_group(group: int, program: str | Path, *arguments: str | Path, **options: Any) -> Process:
    """Start a process in a process group, or in a new one if `group` is 0 or has ended. Raises OSError.

    `options` are those of asyncio.create_subprocess_exec.
    """
    try:
        return await asyncio.create_subprocess_exec(program, *arguments, **options, **in_group(group))
    except (PermissionError, subprocess.SubprocessError):  # the latter up to Python 3.10
        if not group or _exists(group):
            raise
    return await asyncio.create_subprocess_exec(program, *arguments, **options, **in_group(0))


def group_of(process: int, otherwise: int) -> int:
    """Return the process group of a process; `otherwise` if the process has ended."""
    with suppress(ProcessLookupError):
        return os.getpgid(process)
    return otherwise


def _exists(group: int) -> bool:
    with suppress(ProcessLookupError):
        os.killpg(group, 0)
        return True
    return False
