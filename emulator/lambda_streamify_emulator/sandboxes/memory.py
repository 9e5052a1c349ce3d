"""How much memory a sandbox holds: that of its process and of all that this has started, read from /proc.

See proc_pid_status(5) and proc_pid_statm(5). Where there is no /proc, as on macOS, nothing is known.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


class Memory(NamedTuple):
    """Bytes that are held now, and the most that were."""

    now: int
    peak: int


def memory_used(process: int, limit: int | None = None) -> Memory | None:
    """What the process and its descendants hold; None if that is not known. Of descendants no peak is known.

    What processes share, as they do after a fork, is counted for each of them, unless that makes more than the `limit`:
    then it is divided between them, which takes the kernel much longer to say.
    """
    status = _fields(PROC / str(process) / "status")
    if "VmRSS" not in status:
        return None
    children = list(descendants(process))
    others = sum(map(_resident, children))
    now = status["VmRSS"] + others
    if not children or limit is None or now <= limit:
        return Memory(now, status["VmHWM"] + others)
    now = sum(_fields(PROC / str(member) / "smaps_rollup").get("Pss", 0) for member in (process, *children))
    return Memory(now, max(now, status["VmHWM"]))


def descendants(process: int) -> Iterator[int]:
    """The processes that it has started, and those that these have; not those whose parent has ended."""
    with suppress(OSError):
        for thread in (PROC / str(process) / "task").iterdir():
            with suppress(OSError):
                for child in (thread / "children").read_text().split():
                    yield int(child)
                    yield from descendants(int(child))


def _resident(process: int) -> int:
    with suppress(OSError):
        return int((PROC / str(process) / "statm").read_text().split()[1]) * PAGE
    return 0


def _fields(file: Path) -> dict[str, int]:
    """The sizes of a file of lines such as "VmRSS:  1024 kB", in bytes; none if it is gone."""
    with suppress(OSError):
        lines = (line.split() for line in file.read_text().splitlines() if line.endswith(" kB"))
        return {words[0].removesuffix(":"): int(words[1]) * 1024 for words in lines}
    return {}
