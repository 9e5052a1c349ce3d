"""`streamify precompile`: bytecode for the functions and layers of a build."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import EmulatorError
from .errors import reporting_errors
from .events import read_event
from .options import Parameters, parameter_values

if TYPE_CHECKING:
    from ..precompiling.compiling import Compiled
    from ..precompiling.precompile import FunctionReport, Report

_MB = 1024**2


def precompile(
    places: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Folders that sam build has written, templates in them, or folders of one function or layer. "
            "Default: .aws-sam/build.",
            metavar="[DIR|TEMPLATE...]",
            show_default=False,
        ),
    ] = None,
    *,
    parameter: Parameters = None,
    runtime: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The runtime of a folder that belongs to no template, such as python3.13."),
    ] = None,
    only_imported: Annotated[
        bool,
        typer.Option("--only-imported", help="Compile only what the import of the handler's module imports."),
    ] = False,
    event: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="With --only-imported: call the handler once with the event in this file, and compile what the call "
            "imports, too.",
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure/--no-measure",
            help="Import each handler's module with and without bytecode, and print the times.",
        ),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Write bytecode into a build, so that Python does not compile the modules at each cold start.

    Each function and layer gets bytecode of the Python of its runtime, which must be on this machine. Run it after
    sam build and before sam deploy. docs/guides/cold-start.md tells what it costs and saves.

    The exit status is 0 if everything has its bytecode, 1 if not, or if a function is too large for Lambda, and 2 if
    there is no build. Modules that do not compile are named, and do not change it.
    """
    from ..precompiling.precompile import Report
    from ..precompiling.precompile import precompile as run
    from ..precompiling.reading import read_build
    from ..terminal import terminal

    with reporting_errors():
        if event is not None and not only_imported:
            raise EmulatorError("--event belongs to --only-imported: without it, every module is compiled")
        content = None if event is None else read_event(event)
        report = Report()
        for place in places or [Path(".aws-sam/build")]:
            build = read_build(place, parameter_values(parameter), runtime)
            report.add(run(build, terminal.say, only_imported=only_imported, measure=measure, event=content))
        if as_json:
            print(json.dumps(_as_json(report)))  # noqa: T201
        else:
            _show(report)
    raise typer.Exit(0 if report.is_complete else 1)


def _show(report: "Report") -> None:
    from ..terminal import terminal

    for compiled in report.compiled:
        terminal.OUT.print(_line(compiled), markup=False)
        for file, reason in compiled.problems.items():
            terminal.OUT.print(f"    {file} is left: {reason}", markup=False)
    for function in report.functions:
        for line in _lines(function):
            terminal.OUT.print(line, markup=False)
    for name, reason in report.left.items():
        terminal.say(f"{name} is left: {reason}")
    for name, reason in report.failed.items():
        terminal.complain(f"{name} has no bytecode: {reason}")


def _line(compiled: "Compiled") -> str:
    name = f"{compiled.job.package.name} ({compiled.job.runtime})"
    if not compiled.written:
        return f"{name}: nothing to do: {_modules(compiled.kept)} with bytecode"
    kept = f", {compiled.kept} had their bytecode" if compiled.kept else ""
    return f"{name}: {_modules(compiled.written)} compiled, {_size(compiled.bytes_added)} added{kept}"


def _modules(count: int) -> str:
    return f"{count} module{'' if count == 1 else 's'}"


def _lines(function: "FunctionReport") -> Sequence[str]:
    from ..precompiling.modules import UNPACKED_LIMIT_BYTES

    limit = UNPACKED_LIMIT_BYTES // _MB
    size = f"{function.name}: {_size(function.unpacked_bytes)} of {limit} MB unpacked, with its layers"
    if function.is_too_large:
        size += ": Lambda refuses it; build again, and use --only-imported"
    if function.not_measured is not None:
        return size, f"{function.name}: not measured: {function.not_measured}"
    if function.saving is None:
        return (size,)
    saving = function.saving
    without, with_ = (f"{seconds * 1000:.0f} ms" for seconds in (saving.without_s, saving.with_s))
    return size, f"{function.name}: import {saving.module}: {without} without bytecode, {with_} with it"


def _size(count: int) -> str:
    return f"{count / _MB:.1f} MB"


def _as_json(report: "Report") -> dict[str, Any]:
    return {
        "packages": [
            {
                "names": compiled.job.package.names,
                "folder": str(compiled.job.package.folder),
                "runtime": compiled.job.runtime,
                "modules": len(compiled.job.modules),
                "written": compiled.written,
                "bytes_added": compiled.bytes_added,
                "problems": compiled.problems,
            }
            for compiled in report.compiled
        ],
        "functions": [
            {
                "name": function.name,
                "runtime": function.runtime,
                "unpacked_bytes": function.unpacked_bytes,
                "import_s": None
                if function.saving is None
                else {"without": function.saving.without_s, "with": function.saving.with_s},
                "not_measured": function.not_measured,
            }
            for function in report.functions
        ],
        "left": report.left,
        "failed": report.failed,
    }
