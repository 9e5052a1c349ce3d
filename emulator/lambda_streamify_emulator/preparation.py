"""Installs and builds what each function of a template needs ahead of its first request, without serving any."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from .building.programs import Programs
from .errors import BuildError
from .processes.reaper import Reaper
from .sandboxes.function_package import Package
from .sandboxes.packages import PackageMaker
from .sandboxes.runtimes import not_served
from .template.reader import Function


@dataclass(frozen=True)
class Prepared:
    """What became of a function. `problem` is why it is not ready; None if it is."""

    function: str
    problem: str | None = None
    is_served: bool = True
    """Whether the emulator has a runtime for the function. If it has none, nothing is installed."""


class Preparation:
    """Prepares functions one by one. `say` is called with messages about what takes long."""

    def __init__(self, functions: Iterable[Function], say: Callable[[str], None]) -> None:
        self._functions = functions
        self._say = say
        self._programs: Programs | None = None
        self._is_stopped = False

    def run(self) -> Iterator[Prepared]:
        """Prepare each function, also after failures, and yield what became of it. Ends early after `stop`."""
        with ExitStack() as stack:
            scratch = Path(mkdtemp(prefix="streamify-"))
            reaper = Reaper(scratch)
            stack.callback(reaper.close)
            self._programs = Programs(reaper)
            maker = PackageMaker(scratch, self._programs.run, self._say)
            for function in self._functions:
                if self._is_stopped:
                    return
                reason = not_served(function)
                if reason is not None:
                    yield Prepared(function.name, reason, is_served=False)
                    continue
                ((_, package),) = maker.make_all([function])
                problem = _build(package) if isinstance(package, Package) else str(package)
                if not self._is_stopped:
                    yield Prepared(function.name, problem)

    def stop(self) -> None:
        """End what runs. Any thread may call it."""
        self._is_stopped = True
        if self._programs is not None:
            self._programs.stop()


def _build(package: Package) -> str | None:
    """Fetch the client, and install the requirements or run the Makefile; return why that has failed."""
    if package.task_root is None:  # its image is there
        return None
    try:
        package.task_root.make()
    except (BuildError, OSError) as error:
        return str(error)
    return None
