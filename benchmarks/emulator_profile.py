"""Where the emulator's time goes in a warm invocation."""

from __future__ import annotations

import os
import pstats
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import emulator_streams as streams
import emulators
from profiles import Profile

_SHOWN = 12
_OWN = "lambda_streamify_emulator/"
_WAITING = "'poll' of 'select.epoll'"  # nothing happens meanwhile
_SYSTEM_CALLS = ("posix.", "_socket.socket", "_io.", "fcntl.")


def take_profile(scratch: Path, count: int) -> Profile:
    """The parts of `count` invocations: folders of the emulator, packages, and system calls."""
    path = scratch / "profile"
    program = (sys.executable, str(Path(__file__).with_name("profiled_serve.py")), str(path))
    with emulators.ours(scratch, program=program) as emulator:
        streams.invocations_per_second(emulator.lambda_api, "value", count // 10)
        os.kill(emulator.process, signal.SIGUSR1)
        streams.invocations_per_second(emulator.lambda_api, "value", count)
        os.kill(emulator.process, signal.SIGUSR2)
        while not path.exists():
            time.sleep(0.1)
    seconds: Counter[str] = Counter()
    calls = 0
    for (file, _, function), (_, number, own, *_) in pstats.Stats(str(path)).stats.items():  # type: ignore[attr-defined]
        if _WAITING not in function:
            seconds[_part(file, function)] += own
            calls += number
    whole = sum(seconds.values())
    return Profile(
        "The emulator's own part of a warm invocation, under Python's profiler, in wall-clock time",
        f"{calls / count:,.0f} calls",
        [(name, f"{part / whole:.0%}") for name, part in seconds.most_common(_SHOWN)],
    )


def _part(file: str, function: str) -> str:
    if file == "~":
        return function if any(name in function for name in _SYSTEM_CALLS) else "Python's built-in functions"
    if _OWN in file:
        return _OWN + file.partition(_OWN)[2].partition("/")[0]
    if "site-packages/" in file:
        return file.partition("site-packages/")[2].partition("/")[0]
    return Path(file).parent.name if Path(file).parent.name == "asyncio" else "Python's other modules"
