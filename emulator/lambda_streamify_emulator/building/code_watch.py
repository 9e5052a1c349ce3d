"""Detects changes of a function's code at each invocation, without looking at each file.

Whether anything has happened in the folders of the code is asked at once, which takes microseconds. A walk over
thousands of files takes longer than the pauses between the chunks of a stream. It therefore runs in a thread, and only
when something has happened.
"""

import asyncio
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from errno import EMFILE, ENFILE
from pathlib import Path

from .folder_watch import FolderWatch, Unwatchable, check_watchable

LINKS_LIMIT = 100  # of links whose targets are looked at outside the thread
WALK_LIMIT = 3  # walks in a row, in case folders appear or disappear during each

Identity = tuple[int, int, int, int] | None


@dataclass(frozen=True)
class Code:
    """The result of a walk over the code."""

    state: int
    """A hash that differs if a file was changed, added or removed."""
    folders: tuple[str, ...]
    """All folders, each before its subfolders."""
    links: dict[str, Identity]
    """The targets of links, which may be replaced without an event in a folder of the code."""


def walk(code: Path) -> Code:
    """Look at each file, except in hidden and bytecode folders; links to folders are not followed.

    Raises OSError if too many files are open.
    """
    folders, files = [str(code)], set()
    links = {folders[0]: _identity(folders[0])}
    for folder in folders:  # the list grows during the loop
        for entry in _entries(folder):
            if entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith(".") and entry.name != "__pycache__":
                    folders.append(entry.path)
            elif entry.is_file():
                identity = _identity(entry.path)
                files.add((entry.path, identity))
                if entry.is_symlink():
                    links[entry.path] = identity
    return Code(hash(frozenset(files)), tuple(folders), links)


def _entries(folder: str) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        if error.errno in (EMFILE, ENFILE):
            raise
        return []  # the folder is gone: the next walk reports that


def _identity(path: str) -> Identity:
    try:
        found = os.stat(path)  # noqa: PTH116 - Path objects for thousands of files are slower
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


@dataclass
class _Check:
    begun: bool = False
    state: "asyncio.Future[int]" = field(init=False)


class CodeWatch:
    """Reports the state of the code in the folder `code`.

    If the code cannot be watched, `say` is called with the reason, and each call of `state` walks over the code.
    """

    def __init__(
        self,
        code: Path,
        say: Callable[[str], None] = lambda _: None,
        watch: Callable[[Iterable[str]], FolderWatch] = FolderWatch,
    ) -> None:
        self._code = code
        self._say = say
        self._open = watch
        self._watch: FolderWatch | None = None
        self._is_watchable = True
        self._found = Code(0, (str(code),), {})
        self._latest: _Check | None = None
        self._thread = ThreadPoolExecutor(1, "code-watch")
        self._closed = False

    async def state(self) -> int:
        """Return the state of the code; it includes everything that was saved before this call.

        Raises OSError if too many files are open.
        """
        if self._closed:
            return self._found.state
        check = self._latest
        if (check is None or check.state.done()) and len(self._found.links) <= LINKS_LIMIT and self._is_unchanged():
            return self._found.state
        if check is None or check.begun:  # a check that has begun may miss later changes
            check = self._latest = _Check()
            check.state = asyncio.get_running_loop().run_in_executor(self._thread, self._check, check)
        return await asyncio.shield(check.state)  # a cancelled caller must not cancel the check for the others

    async def close(self) -> None:
        """Stop watching; `state` returns the last state from now on."""
        if not self._closed:
            self._closed = True
            if self._latest is not None:
                await asyncio.wait([self._latest.state])
            self._end_watch()
            self._thread.shutdown()

    # --- in the thread, or while it has nothing to do -----------------------------------------------------------------

    def _check(self, check: _Check) -> int:
        check.begun = True
        if not self._is_unchanged():
            self._walk()
        return self._found.state

    def _is_unchanged(self) -> bool:
        """Whether it is certain that nothing has changed since the last walk."""
        if self._watch is None or not self._watch.is_quiet():
            return False
        return all(_identity(path) == identity for path, identity in self._found.links.items())

    def _walk(self) -> None:
        """Walk over the code while it is already watched, so that no later change is missed."""
        self._end_watch()  # folders may have been replaced by others with the same names
        for _ in range(WALK_LIMIT):
            with ExitStack() as stack:
                watch = self._start_watch(self._found.folders)
                if watch is not None:
                    stack.callback(watch.close)
                found = walk(self._code)
                watched, self._found = self._found.folders, found
                if found.folders == watched:
                    self._watch = watch
                    stack.pop_all()
                    return

    def _start_watch(self, folders: tuple[str, ...]) -> FolderWatch | None:
        if self._is_watchable:
            with suppress(FileNotFoundError):  # a folder has been removed
                try:
                    check_watchable(self._code)
                    return self._open(folders)
                except Unwatchable as error:
                    self._is_watchable = False
                    self._say(
                        "cannot watch the code, so each request checks all files, which delays running streams: "
                        f"{error}"
                    )
        return None

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
