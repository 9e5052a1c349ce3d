"""How much memory a sandbox holds: that of its process and of all that this has started, read from /proc.

See proc_pid_status(5) and proc_pid_statm(5). Where there is no /proc, as on macOS, nothing is known.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


def memory_used(process: int) -> int | None:
    """Bytes: the most that the process has held so far, and what its descendants hold now; None if that is not known.

    What processes share is counted for each of them.
    """
    peak = _field(PROC / str(process) / "status", "VmHWM:")
    if peak is None:
        return None
    return peak + sum(_resident(descendant) for descendant in descendants(process))


def memory_divided(process: int) -> int | None:
    """Bytes that the process and its descendants hold now, shared ones divided between those who share them.

    None if that is not known. It takes the kernel much longer to say than `memory_used`.
    """
    sizes = [_field(PROC / str(member) / "smaps_rollup", "Pss:") for member in (process, *descendants(process))]
    return None if sizes[0] is None else sum(size or 0 for size in sizes)


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


def _field(file: Path, name: str) -> int | None:
    with suppress(OSError):
        for line in file.read_text().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None
