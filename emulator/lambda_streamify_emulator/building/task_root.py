"""The folder that stands for /var/task: the function's code and, beside it, what its requirements.txt lists.

Where there are requirements it is made as `sam build` makes it, with one difference: the code is linked, not copied, so
that an edited file is the one that the next sandbox runs.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp

from ..template.reader import Function
from .cache import build_once
from .makefiles import is_to_be_made, made_task_root
from .programs import Run
from .requirements import REQUIREMENTS, has_requirements, install, requirements_key


def newest_change(code: Path) -> int:
    """When the newest file of the code was changed, in nanoseconds; bytecode and hidden folders do not count.

    It costs a look at each file: it is asked for at each invocation.
    """
    newest, folders = 0, [str(code)]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as entries:  # what is gone by now changes the answer later
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if not entry.name.startswith(".") and entry.name != "__pycache__":
                        folders.append(entry.path)
                elif entry.is_file():
                    newest = max(newest, entry.stat().st_mtime_ns)
    return newest


class TaskRoot:
    """Makes the folder when it is first needed, and again when what it is made from has changed.

    `python` is the function's interpreter, `scratch` a folder for what is made for this one; `say` is told what takes a
    while.
    """

    def __init__(self, function: Function, python: Path, scratch: Path, say: Callable[[str], None], run: Run) -> None:
        self._function = function
        self._python = python
        self._scratch = scratch
        self._say = say
        self._run = run
        self._made: tuple[object, Path] | None = None
        self._making: asyncio.Future[Path] | None = None
        self._begun = 0  # the newest change of the code when that began

    async def current(self) -> tuple[Path, int]:
        """The folder, and the newest change of the code that is certain to be in it.

        Raises BuildError if it cannot be made; the next call tries again.
        """
        if self._making is None:
            self._begun = newest_change(self._function.code)
            self._making = asyncio.ensure_future(asyncio.to_thread(self.make))
            self._making.add_done_callback(self._done)
        begun = self._begun
        return await asyncio.shield(self._making), begun  # of all who wait, one may be gone

    async def stop(self) -> None:
        """Wait for what is being made, which ends soon if its programs are killed."""
        if self._making is not None:
            await asyncio.wait([self._making])

    def make(self) -> Path:
        """As `current`, in this thread."""
        function = self._function
        if function.is_built:
            return function.code
        if is_to_be_made(function.build_method, function.code):
            return made_task_root(function.logical_id, function.code, self._new_folder() / "made", self._run)
        if not has_requirements(function.code):
            return function.code
        requirements = function.code / REQUIREMENTS
        key = requirements_key(requirements, self._python)
        installed = build_once(f"requirements-{key}", lambda folder: self._install(requirements, folder))
        made_from = key, sorted(path.name for path in function.code.iterdir())
        if self._made is None or self._made[0] != made_from:
            self._made = made_from, self._link(installed)
        return self._made[1]

    def _install(self, requirements: Path, folder: Path) -> None:
        self._say(f"installing {requirements}")
        install(requirements, folder, self._run, self._python)
        self._say(f"installed {requirements}")

    def _link(self, installed: Path) -> Path:
        root = self._new_folder()
        for folder in (installed, self._function.code):  # the code last: its files win
            for entry in folder.iterdir():
                if entry.name != "__pycache__":  # what is compiled here must not be found by other functions
                    link = root / entry.name
                    link.unlink(missing_ok=True)
                    link.symlink_to(entry)
        return root

    def _new_folder(self) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True)
        return Path(mkdtemp(dir=self._scratch))

    def _done(self, making: "asyncio.Future[Path]") -> None:
        self._making = None
        if not making.cancelled():
            making.exception()  # those who wait are told, if there still are any
