"""Runs all rules over a template, and drops the findings that a comment in the template ignores."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Protocol

from ..template.declaration import HANDLERS, SERVERLESS, TEMPLATE, TERRAFORM, Declaration, reading
from ..template.forms import read_declaration
from . import (
    bytecode,
    cors,
    distributions,
    events,
    invoke_modes,
    invoke_paths,
    layers_and_wrappers,
    mcp_hosts,
    permissions,
    runtimes,
    spelling,
    timeouts,
    unresolved,
)
from .finding import ERROR, WARNING, Finding, Place, Rule
from .project import Project


class _Subject(Protocol):
    """The rules about a subject."""

    def check(self, project: Project) -> Iterator[Finding]:
        """The findings of this subject."""


_SUBJECTS: Final = (
    invoke_modes,
    layers_and_wrappers,
    spelling,
    events,
    invoke_paths,
    timeouts,
    cors,
    permissions,
    distributions,
    runtimes,
    bytecode,
    mcp_hosts,
    unresolved,
)
# The rules of these subjects look only at what the other forms are translated into.
_OF_FUNCTIONS: Final = (invoke_modes, layers_and_wrappers, timeouts, runtimes)
_SUBJECTS_OF: Final[Mapping[str, tuple[_Subject, ...]]] = {
    TEMPLATE: _SUBJECTS,
    SERVERLESS: _OF_FUNCTIONS,
    TERRAFORM: _OF_FUNCTIONS,
    HANDLERS: (),
}
UNKNOWN_RULE = Rule("unknown-rule", WARNING, "A comment `# streamify: ignore` names a rule that does not exist.")
RULES: Final[tuple[Rule, ...]] = (*(rule for subject in _SUBJECTS for rule in subject.RULES), UNKNOWN_RULE)
"""Every rule, by subject."""
_COMMENT = re.compile(r"#\s*streamify:\s*ignore\s+([a-z-]+(?:[\s,]+[a-z-]+)*)\s*$")


def check_template(
    path: Path,
    parameters: Mapping[str, str] | None = None,
    layers: Mapping[str, Path] | None = None,
    only: Collection[str] = (),
) -> list[Finding]:
    """Return the mistakes in the template at `path` and in the code that it names, in the order of their lines.

    `parameters` override the defaults of the template's parameters; `layers` are the places of layers, by their ARNs.
    `only` names functions, to have the mistakes of these, their URLs and their routes alone.
    Raises TemplateError if the file cannot be read as a template. None of the functions' code is run.
    """
    return check_declaration(read_declaration(path, parameters), layers, only)


def check_declaration(
    declaration: Declaration, layers: Mapping[str, Path] | None = None, only: Collection[str] = ()
) -> list[Finding]:
    """Return the same for a template that may be translated from another form, which not all rules know."""
    path = declaration.path
    with reading(path):
        project = Project(declaration, layers or {})
        subjects = _SUBJECTS_OF[declaration.form]
        found = _merged(finding for subject in subjects for finding in subject.check(project))
        if declaration.form != TEMPLATE:
            found = [replace(finding, fix=f"in CloudFormation's words: {finding.fix}") for finding in found]
    ignored = {file: _ignored(_text(file, declaration)) for file in {finding.file for finding in found}}
    kept = [finding for finding in found if finding.rule not in ignored[finding.file].get(finding.line, ())]
    kept += _unknown_rules(path, project.text) if subjects else []
    if only:
        related = project.related(only)
        kept = [finding for finding in kept if not related.isdisjoint(finding.resources)]
    return sorted(kept, key=lambda finding: (finding.file != str(path), finding.file, finding.line, finding.rule))


def _text(file: str, declaration: Declaration) -> str:
    return declaration.text if file == str(declaration.path) else Path(file).read_text(encoding="utf-8")


def has_errors(findings: Sequence[Finding]) -> bool:
    """Return whether one of the findings is an error."""
    return any(finding.severity == ERROR for finding in findings)


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """Merge findings that differ only in their resources, as those of the Globals section do."""
    resources: dict[Finding, dict[str, None]] = {}
    for finding in findings:
        resources.setdefault(replace(finding, resources=()), {}).update(dict.fromkeys(finding.resources))
    return [replace(finding, resources=tuple(names)) for finding, names in resources.items()]


def _ignored(text: str) -> dict[int, set[str]]:
    """Return the rules that comments ignore, by line: the comment's own, and the next if it has a line to itself."""
    ignored: dict[int, set[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        names = _named(line)
        if names:
            ignored.setdefault(number, set()).update(names)
            if line.lstrip().startswith("#"):
                ignored.setdefault(number + 1, set()).update(names)
    return ignored


def _named(line: str) -> list[str]:
    comment = _COMMENT.search(line)
    return re.split(r"[\s,]+", comment[1]) if comment else []


def _unknown_rules(path: Path, text: str) -> list[Finding]:
    known = [rule.name for rule in RULES]
    return [
        UNKNOWN_RULE.found(
            Place(path, number),
            name,
            f"the comment ignores {name}, and there is no such rule",
            f"# streamify: ignore {(get_close_matches(name, known, 1) or ['RULE'])[0]}",
        )
        for number, line in enumerate(text.splitlines(), 1)
        for name in _named(line)
        if name not in known
    ]
