"""Detects whether anything has happened in some folders. Each query is cheap and misses no earlier change.

The kernel puts a change into inotify's queue before the system call that makes the change returns (inotify(7)). If the
queue is empty, nothing has happened: a query asks for its size, which takes a microsecond.

inotify does not report changes that are made only through mmap(2). When its queue is full (16,384 events by default),
it reports that instead of further changes.
"""

import os
import re
import sys
from array import array
from collections.abc import Iterable
from contextlib import suppress
from errno import EMFILE, ENOSPC
from fcntl import ioctl
from functools import cache
from pathlib import Path
from termios import FIONREAD
from typing import Any

# What may happen to the content of a folder (<sys/inotify.h>): IN_MODIFY, IN_ATTRIB, IN_MOVED_FROM, IN_MOVED_TO,
# IN_CREATE, IN_DELETE, IN_DELETE_SELF and IN_MOVE_SELF.
_CHANGES = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800
# File systems on which all changes go through this machine's kernel, so that it can report them.
LOCAL_FILE_SYSTEMS = frozenset(
    (
        *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2"),
        *("ntfs3", "overlay", "ramfs", "reiserfs", "tmpfs", "vfat", "xfs", "zfs"),
    )
)
MOUNTS = Path("/proc/self/mountinfo")
# What the kernel means where its words mislead (inotify_init(2), inotify_add_watch(2)).
_LIMITS = {
    EMFILE: "too many watches or open files: raise `ulimit -n`, or with sysctl fs.inotify.max_user_instances",
    ENOSPC: "too many watched folders: raise fs.inotify.max_user_watches with sysctl",
}


class Unwatchable(Exception):
    """Changes in a folder cannot be detected."""


class FolderWatch:
    """Watches folders, but not their subfolders, from now on.

    Raises FileNotFoundError if one of the folders does not exist, and Unwatchable if inotify refuses.
    """

    def __init__(self, folders: Iterable[str]) -> None:
        try:
            self._queue = _call("inotify_init1", os.O_CLOEXEC)
        except OSError as error:
            raise _refusal(error) from error
        try:
            for folder in folders:
                with suppress(PermissionError):  # code that cannot be read cannot run either
                    _call("inotify_add_watch", self._queue, os.fsencode(folder), _CHANGES)
        except OSError as error:
            self.close()
            if isinstance(error, FileNotFoundError):
                raise
            raise _refusal(error) from error

    def is_quiet(self) -> bool:
        """Whether certainly nothing has happened since the start."""
        size = array("i", [0])
        ioctl(self._queue, FIONREAD, size)
        return size[0] == 0  # what is there is not read, so it stays true that something has happened

    def close(self) -> None:
        """Stop watching."""
        os.close(self._queue)


def _refusal(error: OSError) -> Unwatchable:
    return Unwatchable(f"inotify: {_LIMITS.get(error.errno or 0, error.strerror)}")


def _call(name: str, *arguments: int | bytes) -> int:
    """Call a function of the C library, which Python does not have. Raises OSError."""
    import ctypes

    result = int(getattr(_c_library(), name)(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


@cache
def _c_library() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)


def check_watchable(folder: Path) -> None:
    """Raise Unwatchable if files in the folder may change without an event."""
    if sys.platform != "linux":
        raise Unwatchable(f"{sys.platform} has no inotify")
    for kind in _file_systems(folder.resolve(), MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")):
        if kind not in LOCAL_FILE_SYSTEMS:
            raise Unwatchable(f"{folder} is on {kind}, where files may change without an event")


def _file_systems(folder: Path, mounts: str) -> list[str]:
    """Return the types of the file systems of a folder and its subfolders (proc(5), /proc/pid/mountinfo)."""
    holding, inside = (Path("/"), "unknown"), []
    for line in mounts.splitlines():
        place, _, rest = line.partition(" - ")
        point = Path(re.sub(r"\\(\d{3})", lambda found: chr(int(found[1], 8)), place.split()[4]))
        kind = rest.split()[0]
        if folder.is_relative_to(point) and point.is_relative_to(holding[0]):
            holding = point, kind  # the last mount on a path hides earlier ones
        elif point.is_relative_to(folder):
            inside.append(kind)
    return [holding[1], *inside]
