"""The code of one function, built whenever it has changed."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from ..building.code_watch import CodeWatch
from ..containers.image_files import files_in
from ..errors import BuildError
from ..extensions.programs import FOLDER, find_programs
from ..listener import shortage
from .function_package import Package

BUILD_ATTEMPT_LIMIT = 3  # for one invocation: some builds write to their own source folder, which asks for a new build


class ReadyCode:
    """Keeps the folder with a function's code up to date. `log` is called with messages for the developer."""

    def __init__(self, package: Package, log: Callable[[str], None]) -> None:
        self.package = package
        """The package with the folder that was built last."""
        self.has_extensions = False
        """Whether a layer has external extensions, which share this machine's ports. Those of an image do not."""
        self._log = log
        self._stopped = False
        self._prepared: int | None = None  # the state of the code that was built last
        self._watch = package.watch or CodeWatch(package.function.code, say=log)

    async def current(self) -> int:
        """Build the code if it has changed; return its state.

        Raises BuildError if that is impossible, and OSError for lack of resources.
        """
        change = await self._watch.state()
        # During a build, the code may change again, and the emulator may stop.
        for _ in range(BUILD_ATTEMPT_LIMIT):
            if self._prepared == change or self._stopped:
                return change
            await self._prepare(change)
            change = await self._watch.state()
        if self._prepared != change:
            folder = self.package.function.code
            self._log(f"each build changes its own source folder {folder}: let the build write elsewhere")
            self._prepared = change
        return change

    async def stop(self) -> None:
        """End a build that is under way, and the watch."""
        self._stopped = True
        if self.package.task_root is not None:
            await self.package.task_root.stop()

    async def close(self) -> None:
        """Stop watching the code."""
        await self._watch.close()

    async def _prepare(self, change: int) -> None:
        if self.package.task_root is not None:
            try:
                task, change = await self.package.task_root.current()
            except OSError as error:
                if shortage(error):
                    raise
                raise BuildError(str(error)) from error
            self.package = replace(self.package, folders=replace(self.package.folders, task=task))
        engine, image = self.package.engine, self.package.function.image
        if engine is not None and image is not None:
            files = await asyncio.to_thread(files_in, engine, image, f"/opt/{FOLDER}")
            self.package = replace(self.package, extensions=files)
        self.has_extensions = bool(find_programs(self.package.folders.opt))
        self._prepared = change
