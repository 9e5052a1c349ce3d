"""What other programs do on this machine during a run: figures of a busy machine are not kept."""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

BUSY = 0.05  # of the time of all processors; what waits for a core then shows in every second figure

_TICKS = os.sysconf("SC_CLK_TCK")
_WORKING = (0, 1, 2, 7)  # the fields user, nice, system and steal of /proc/stat; interrupts belong to nobody


def others_share(machine_s: float, own_s: float, elapsed_s: float, processors: int) -> float:
    """The share of all processors' time that others took: what the machine worked without this program's part."""
    return max(0.0, machine_s - own_s) / (elapsed_s * processors)


@dataclass(frozen=True)
class _Reading:
    machine_s: float
    own_s: float
    at: float


def refusal(share: float, *, force: bool) -> str | None:
    """Why a report is not to be kept; None if it is."""
    if share <= BUSY or force:
        return None
    return (
        f"other programs took {share:.0%} of the processors' time, more than {BUSY:.0%}: nothing is written"
        " (--force writes it)"
    )


def in_words(share: float) -> str:
    """What a report says of it."""
    return f"{share:.1%}{' (busy: nothing here is to be trusted)' * (share > BUSY)}"


class Bystanders:
    """Watches from its making on."""

    def __init__(self) -> None:
        self._start = _read()

    def share(self) -> float:
        """How much of all processors' time other programs have taken since."""
        start, now = self._start, _read()
        machine, own, elapsed = now.machine_s - start.machine_s, now.own_s - start.own_s, now.at - start.at
        return others_share(machine, own, elapsed, os.cpu_count() or 1)


def _read() -> _Reading:
    """Count as this program's own what its children took that have ended, with those that they waited for."""
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    return _Reading(working_ticks(Path("/proc/stat").read_text()) / _TICKS, own, time.monotonic())


def working_ticks(stat: str) -> int:
    """What all processors have worked, of a text such as /proc/stat."""
    fields = stat.splitlines()[0].split()[1:]
    return sum(int(fields[index]) for index in _WORKING)
