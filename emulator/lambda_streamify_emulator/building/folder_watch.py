"""Detects whether anything has happened in some folders. Each query is cheap and misses no earlier change.

The kernel puts a change into inotify's queue before the system call that makes the change returns, and the queue is
ordered (inotify(7)). Each query therefore touches a file of its own, the marker, that is watched with the folders:
every earlier change is reported before the marker is.

Each query asks two watches, one after the other. RustNotify.watch of watchfiles copies its set of changes and clears it
a moment later (1.3.0, src/lib.rs), and so loses changes in between. The second marker is touched after the first watch
has answered, so the second watch reports a change that the first one has lost. The first watch reports still later
changes at the next query.

inotify does not report changes that are made only through mmap(2). It drops events when its queue is full: 16,384
events that arrive while this process does not run.
"""

import os
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

# For each attempt, the interval between two looks for the marker, and their total time. The marker arrives within
# 0.1 ms unless the machine is busy, so the first attempt does not sleep.
MARKER_WAITS_MS = ((0, 50), (5, 5000))
# File systems on which all changes go through this machine's kernel, so that it can report them.
LOCAL_FILE_SYSTEMS = frozenset(
    (
        *("bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2"),
        *("ntfs3", "overlay", "ramfs", "reiserfs", "tmpfs", "vfat", "xfs", "zfs"),
    )
)
MOUNTS = Path("/proc/self/mountinfo")


class Unwatchable(Exception):
    """Changes in a folder cannot be detected."""


class FolderWatch:
    """Watches folders, but not their subfolders, from now on.

    `scratch` is a folder for the markers. Raises FileNotFoundError if one of the folders does not exist, and
    Unwatchable if inotify refuses.
    """

    def __init__(self, folders: Iterable[str], scratch: Path, notify: Callable[..., Any] = RustNotify) -> None:
        self._watches: list[tuple[Any, str]] = []
        for number in range(2):
            marker = scratch / f"marker-{number}"
            marker.touch()
            try:
                # No debugging output, no polling, no subfolders. Unreadable folders are ignored: their code cannot run.
                watch = notify([*folders, str(marker)], False, False, 0, False, True)  # noqa: FBT003
            except FileNotFoundError:
                raise
            except (OSError, WatchfilesRustInternalError) as error:
                reason = str(error).partition(" about ")[0]  # without the list of folders
                raise Unwatchable(f"inotify: {reason}") from error
            self._watches.append((watch, str(marker)))

    def is_quiet(self) -> bool:
        """Whether certainly nothing has happened since the start.

        After it has returned false, the watch is no longer reliable: create another. Raises Unwatchable if inotify
        reports nothing, not even the marker.
        """
        return all(_is_quiet(watch, marker) for watch, marker in self._watches)


def _is_quiet(watch: Any, marker: str) -> bool:
    for attempt, (step, limit) in enumerate(MARKER_WAITS_MS):
        try:
            os.utime(marker)
            events = watch.watch(0, step, limit, None)
        except (OSError, WatchfilesRustInternalError) as error:
            raise Unwatchable(f"inotify: {error}") from error
        if isinstance(events, set):  # if the first attempt has failed, changes may be lost
            return attempt == 0 and {path for _, path in events} == {marker}
    raise Unwatchable("inotify reports nothing")


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
