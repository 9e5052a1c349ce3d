"""Decides which Python compiles which modules. Nothing is run or written here."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import InterpreterError
from .build import Package

Locate = Callable[[str], tuple[str, str]]


@dataclass(frozen=True)
class Job:
    """The modules of a package that one Python compiles."""

    package: Package
    runtime: str
    python: str
    """The program."""
    modules: tuple[Path, ...]

    def shown(self, module: Path) -> str:
        """Return the path of a module on AWS, which tracebacks of its bytecode name."""
        return f"{self.package.place}/{module.relative_to(self.package.root).as_posix()}"


@dataclass(frozen=True)
class MissingPython:
    """A runtime of a package whose Python is not on this machine. `reason` says so."""

    package: Package
    runtime: str
    reason: str


def plan(
    packages: Iterable[Package], locate: Locate, modules: Callable[[Path], Iterable[Path]]
) -> Iterator[Job | MissingPython]:
    """Yield a job for each package and each Python that runs it, or why there is none.

    `locate` returns the program for a runtime and the version that it has, as `processes.interpreters.locate` does.
    `modules` returns the modules below a folder.
    """
    for package in packages:
        found = tuple(modules(package.root))
        for runtime in package.runtimes:
            try:
                python, version = locate(runtime)
            except InterpreterError as error:
                yield MissingPython(package, runtime, str(error))
                continue
            if version != runtime:
                yield MissingPython(package, runtime, f"no {runtime} on this machine")
            else:
                own = tuple(module for module in found if not _is_for_another(module, package, runtime))
                yield Job(package, runtime, python, own)


def only(job: Job, imported: Collection[Path]) -> Job:
    """Return the job for those of its modules that are among `imported`."""
    return Job(job.package, job.runtime, job.python, tuple(path for path in job.modules if path in imported))


def _is_for_another(module: Path, package: Package, runtime: str) -> bool:
    """Whether only another Python finds a module of a layer: it is below python/lib/python3.11/site-packages."""
    match module.relative_to(package.root).parts:
        case ("lib", version, "site-packages", *_):
            return package.is_layer and version != runtime
    return False
