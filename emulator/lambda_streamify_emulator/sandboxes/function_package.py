"""What a sandbox runs: a function with its interpreter and the folders that replace Lambda's."""

from dataclasses import dataclass
from pathlib import Path

from ..building.code_watch import CodeWatch
from ..building.task_root import TaskRoot
from ..containers.engine import LOOPBACK, Engine
from ..containers.image_files import ImageFile
from ..containers.images import ImageWatch
from ..template.reader import Function
from .environment import Folders
from .runtimes import PYTHON, Runtime


@dataclass(frozen=True)
class Package:
    """A function with its interpreter and the folders that replace Lambda's."""

    function: Function
    interpreter: Path | None
    """The program that runs the function: Python or Node.js; None if its runtime brings its own."""
    folders: Folders
    debugpy: Path | None = None
    """The folder that contains debugpy; None if the function is not debugged."""
    task_root: TaskRoot | None = None
    """Builds the folder of the code; None if `folders.task` is complete."""
    watch: CodeWatch | ImageWatch | None = None
    """Reports changes of the code; None if the pool creates its own watch."""
    runtime: Runtime = PYTHON
    """Starts the function."""
    engine: Engine | None = None
    """Runs the function's image; None if it has none."""
    extensions: tuple[ImageFile, ...] = ()
    """The external extensions in the function's image."""

    @property
    def api_host(self) -> tuple[str, str]:
        """The address on which its Runtime API listens, and the name that the function uses for it."""
        return (LOOPBACK, LOOPBACK) if self.engine is None else (self.engine.host, self.engine.name)
