"""The memory use of a sandbox: of its process and of all descendants, read from /proc.

See proc_pid_status(5) and proc_pid_statm(5). Without /proc, as on macOS, the memory use is unknown. Paths are strings
here because pathlib interns each part of a path: Python's table of interned strings, 2 MB here, would be rebuilt again
and again as strings come and go.
"""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

PROC = "/proc"
PAGE_SIZE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SIZE = re.compile(rb"\n(VmRSS|VmHWM|Pss):\s+(\d+) kB")  # the sizes that are used here


class Memory(NamedTuple):
    """The current and the peak memory use, in bytes."""

    now: int
    peak: int


def memory_used(process: int, limit: int | None = None, also: Iterable[int] = ()) -> Memory | None:
    """Return the memory use of the process, of those in `also`, and of all descendants; None if it is unknown.

    The peak includes the current use of descendants, since their own peak is unknown. Memory that processes share, as
    after a fork, counts once for each process. If the sum exceeds `limit`, it is measured again with shared memory
    divided among the processes, which takes the kernel much longer.
    """
    status = _fields(f"{PROC}/{process}/status")
    if "VmRSS" not in status:
        return None
    children = list(descendants(process))
    for other in also:
        children += (other, *descendants(other))
    others = sum(map(_resident, children))
    now = status["VmRSS"] + others
    if not children or limit is None or now <= limit:
        return Memory(now, status["VmHWM"] + others)
    now = sum(_fields(f"{PROC}/{member}/smaps_rollup").get("Pss", 0) for member in (process, *children))
    return Memory(now, max(now, status["VmHWM"]))


def proportional_use(process: int, also: Iterable[int] = ()) -> tuple[int, int] | None:
    """Return the bytes that the process, those in `also` and all descendants use, and their number; None if unknown.

    Memory that processes share is divided among them (proportional set size).
    """
    members = [process, *descendants(process)]
    for other in also:
        members += (other, *descendants(other))
    shares = [_fields(f"{PROC}/{member}/smaps_rollup").get("Pss") for member in members]
    known = [share for share in shares if share is not None]
    return (sum(known), len(known)) if known else None


def descendants(process: int) -> Iterator[int]:
    """Yield the children of a process, their children and so on; not those whose parent has ended."""
    with suppress(OSError):
        for thread in os.listdir(f"{PROC}/{process}/task"):  # noqa: PTH208 - see above
            with suppress(OSError):
                for child in read(f"{PROC}/{process}/task/{thread}/children").split():
                    yield int(child)
                    yield from descendants(int(child))


def read(file: str) -> bytes:
    """Return the content of a file in /proc. Raises OSError if the file is gone."""
    with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 - see above
        return opened.read()


def _resident(process: int) -> int:
    with suppress(OSError):
        return int(read(f"{PROC}/{process}/statm").split()[1]) * PAGE_SIZE_BYTES
    return 0


def _fields(file: str) -> dict[str, int]:
    """Return the sizes, in bytes, in a file of lines such as "VmRSS:  1024 kB"; empty if the file is gone."""
    with suppress(OSError):
        return {name.decode(): int(size) * 1024 for name, size in _SIZE.findall(read(file))}
    return {}
