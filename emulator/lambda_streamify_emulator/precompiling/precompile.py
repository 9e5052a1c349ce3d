"""Compiles the packages of a build, and finds out what that adds and saves."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..errors import BuildError
from ..processes.interpreters import locate
from ..template.functions import Function
from .build import Build
from .compiling import Compiled, compile_modules
from .modules import UNPACKED_LIMIT_BYTES, modules, unpacked_bytes
from .plan import Job, MissingPython, only, plan
from .starts import RUNS, Saving, Starts

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class FunctionReport:
    """What a function has become. `unpacked_bytes` is its size with its layers."""

    name: str
    runtime: str
    unpacked_bytes: int
    saving: Saving | None = None
    not_measured: str | None = None
    """Why its start could not be measured; None if it was, or if that was not asked for."""

    @property
    def is_too_large(self) -> bool:
        """Whether Lambda refuses it."""
        return self.unpacked_bytes > UNPACKED_LIMIT_BYTES


@dataclass
class Report:
    """What became of a build."""

    compiled: list[Compiled] = field(default_factory=list)
    functions: list[FunctionReport] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    """Why a function or a layer is none of this command's, by its name."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why one has no bytecode that should have some, by its name."""

    @property
    def is_complete(self) -> bool:
        """Whether everything has its bytecode, and Lambda takes it."""
        return not self.failed and not any(function.is_too_large for function in self.functions)

    def add(self, other: "Report") -> None:
        """Add what became of another build."""
        self.compiled += other.compiled
        self.functions += other.functions
        self.left.update(other.left)
        self.failed.update(other.failed)


def precompile(
    build: Build, say: Callable[[str], None], *, only_imported: bool, measure: bool, event: bytes | None = None
) -> Report:
    """Write the bytecode of a build; with `only_imported`, of what the handlers' modules import.

    With an `event` as well, also of what the handlers import when they are called with it. With `measure`, import these
    modules with and without their bytecode. `say` is called with messages about what takes long. Raises BuildError if a
    Python fails.
    """
    report = Report(left=dict(build.left))
    jobs: list[Job] = []
    for planned in plan(build.packages, locate, modules):
        if isinstance(planned, MissingPython):
            report.failed[planned.package.name] = planned.reason
        else:
            jobs.append(planned)
    pythons = {job.runtime: job.python for job in jobs}
    if only_imported:
        jobs = _imported(build, jobs, report, say, event)
    report.compiled = [compile_modules(job, say) for job in jobs]
    for function in build.functions:
        if function.runtime in pythons:
            report.functions.append(_reported(build, function, pythons[function.runtime], say if measure else None))
    return report


def _imported(
    build: Build, jobs: list[Job], report: Report, say: Callable[[str], None], event: bytes | None
) -> list[Job]:
    """Return the jobs for the modules that the handlers import. A function that cannot be imported has none."""
    imported: set[Path] = set()
    packages: set[Path] = set()
    for function in build.functions:
        python = next((job.python for job in jobs if job.runtime == function.runtime), None)
        if python is None:
            continue
        say(f"{function.logical_id}: importing {function.handler.rpartition('.')[0]}")
        try:
            with Starts(function, python) as starts:
                imported |= starts.imported(event)
        except BuildError as error:
            report.failed[function.logical_id] = str(error)
        else:
            packages.update(package.folder for package in build.packages_of(function))
    for job in jobs:
        if job.package.folder not in packages and job.package.name not in report.failed:
            report.left[job.package.name] = "no handler that could be imported uses it"
    return [only(job, imported) for job in jobs if job.package.folder in packages]


def _reported(build: Build, function: Function, python: str, say: Callable[[str], None] | None) -> FunctionReport:
    size = sum(unpacked_bytes(package.folder) for package in build.packages_of(function))
    name, runtime = function.logical_id, function.runtime
    if say is None:
        return FunctionReport(name, runtime, size)
    say(f"{name}: importing {function.handler.rpartition('.')[0]} {RUNS} times with bytecode and {RUNS} times without")
    try:
        with Starts(function, python) as starts:
            return FunctionReport(name, runtime, size, starts.saving())
    except BuildError as error:
        return FunctionReport(name, runtime, size, not_measured=str(error))
