"""`streamify check`: the known mistakes in a template, and the same ones when `streamify serve` starts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import EmulatorError
from .errors import reporting_errors
from .options import Layers, Parameters, Stack, Template, layer_places, parameter_values

if TYPE_CHECKING:
    from ..checks.finding import Finding

KINDS = ("error", "warning", "note")


def check(
    template: Template = Path("template.yaml"),
    *,
    parameter: Parameters = None,
    layer: Layers = None,
    stack: Stack = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Name known mistakes in a template, its functions' code and settings, with the line to write.

    None of the functions' code is run. docs/reference/check.md explains each rule, and the comment that ignores one.

    The exit status is 0 if there is no error, 1 if there is one, 2 if the template cannot be read.
    """
    from ..checks.run import check_declaration, has_errors
    from .sources import declaration_of

    with reporting_errors():
        declaration = declaration_of(template, stack, parameter_values(parameter))
        findings = check_declaration(declaration, layer_places(layer))
        if as_json:
            _print_json(findings)
        else:
            _show(declaration.path, findings, declaration.notices)
    raise typer.Exit(1 if has_errors(findings) else 0)


def report_findings(path: Path, findings: Sequence["Finding"]) -> None:
    """Say in one line each what is wrong in the template at `path`. Notes are about AWS alone."""
    from ..terminal import terminal

    mistakes = [finding for finding in findings if finding.severity != "note"]
    for finding in mistakes:
        terminal.finding(finding.where, finding.severity, finding.said, None)
    if mistakes and path.is_file():
        terminal.say(f"what to write instead: streamify check {path}")


def refuse_errors(path: Path, findings: Sequence["Finding"]) -> None:
    """Raise EmulatorError if there are errors among the findings in the template at `path`."""
    from ..checks.run import has_errors

    if has_errors(findings):
        raise EmulatorError(f"--strict: {path} has {_counted(findings)}; correct them, or start without --strict")


def _print_json(findings: Sequence["Finding"]) -> None:
    counts = {f"{kind}s": sum(finding.severity == kind for finding in findings) for kind in KINDS}
    print(json.dumps({**counts, "findings": [finding.as_json() for finding in findings]}))  # noqa: T201


def _show(path: Path, findings: Sequence["Finding"], notices: Sequence[str]) -> None:
    from ..terminal import terminal

    for notice in notices:
        terminal.warn(notice)
    for finding in findings:
        terminal.finding(finding.where, finding.severity, finding.said, finding.fix)
    terminal.say(f"{path}: {_counted(findings)}")


def _counted(findings: Sequence["Finding"]) -> str:
    """How many errors and warnings there are, in words."""
    kinds = [finding.severity for finding in findings]
    counts = {kind: kinds.count(kind) for kind in KINDS if kind in kinds}
    words = [f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items()]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:]))) or "no known mistake"
