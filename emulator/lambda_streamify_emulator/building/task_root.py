"""The folder that replaces /var/task: the function's code, and the packages of its requirements.txt.

If there are requirements, the folder is built as by `sam build`, with one difference: the code is linked, not copied,
so that the next sandbox runs an edited file.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp

from ..caching.cache import build_once
from ..template.reader import Function
from .code_watch import walk
from .installers import find_installer
from .makefiles import is_to_be_made, made_task_root
from .programs import Run
from .requirements import REQUIREMENTS, has_requirements, install, requirements_key
from .steps import Steps


class TaskRoot:
    """Builds the folder when it is first needed, and again when its sources have changed.

    `python` is the interpreter that requirements are installed for, `scratch` a folder for the files of this function.
    `fetch` installs what else the function needs, such as the client of its runtime.
    """

    def __init__(
        self,
        function: Function,
        python: Path | None,
        scratch: Path,
        steps: Steps,
        run: Run,
        *,
        fetch: Callable[[], None] = lambda: None,
    ) -> None:
        self._function = function
        self._python = python
        self._scratch = scratch
        self._steps = steps
        self._run = run
        self._fetch = fetch
        self._made: tuple[object, Path] | None = None
        self._making: asyncio.Future[tuple[Path, int]] | None = None

    async def current(self) -> tuple[Path, int]:
        """Return the folder, and the state of the code from which it was built.

        Raises BuildError if the build fails; the next call tries again.
        """
        if self._making is None:
            self._making = asyncio.ensure_future(asyncio.to_thread(self._make_current))
            self._making.add_done_callback(self._done)
        return await asyncio.shield(self._making)  # a cancelled caller must not cancel the build for the others

    async def stop(self) -> None:
        """Wait for the current build, which ends soon if its programs are killed."""
        if self._making is not None:
            await asyncio.wait([self._making])

    def _make_current(self) -> tuple[Path, int]:
        begun = walk(self._function.code).state
        return self.make(), begun

    def make(self) -> Path:
        """Return the folder, built in this thread. Raises BuildError if the build fails."""
        self._fetch()
        function = self._function
        if function.is_built:
            return function.code
        if is_to_be_made(function.build_method, function.code):
            return made_task_root(function.logical_id, function.code, self._new_folder() / "made", self._run)
        if self._python is None or not has_requirements(function.code):
            return function.code
        requirements = function.code / REQUIREMENTS
        key = requirements_key(requirements, self._python)
        installed = build_once(f"requirements-{key}", lambda folder: self._install(requirements, folder))
        made_from = key, sorted(path.name for path in function.code.iterdir())
        if self._made is None or self._made[0] != made_from:
            self._made = made_from, self._link(installed)
        return self._made[1]

    def _install(self, requirements: Path, folder: Path) -> None:
        with self._steps.installing(f"{requirements} with {find_installer().name}", "installing requirements"):
            install(requirements, folder, self._run, self._python)

    def _link(self, installed: Path) -> Path:
        root = self._new_folder()
        for folder in (installed, self._function.code):  # the code last: its files win
            for entry in folder.iterdir():
                if entry.name != "__pycache__":  # bytecode written there would reach other functions
                    link = root / entry.name
                    link.unlink(missing_ok=True)
                    link.symlink_to(entry)
        return root

    def _new_folder(self) -> Path:
        self._scratch.mkdir(parents=True, exist_ok=True)
        return Path(mkdtemp(dir=self._scratch))

    def _done(self, making: "asyncio.Future[tuple[Path, int]]") -> None:
        self._making = None
        if not making.cancelled():
            making.exception()  # mark it as retrieved: there may be no caller left to report it to
