"""What a rule finds: a mistake, its place, and the line to write instead."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ERROR, WARNING, NOTE = "error", "warning", "note"
_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Place:
    """A line of a file, counted from 1."""

    file: Path
    line: int


@dataclass(frozen=True)
class Finding:
    """A mistake of a function or another resource."""

    rule: str
    severity: str
    """`error`, `warning` or `note`."""
    resources: tuple[str, ...]
    """The logical ids of the functions or resources that have it; more than one if they have it from the Globals."""
    file: str
    line: int
    problem: str
    """What is wrong, with the value that is wrong."""
    fix: str
    """What to write there, as the template or the code has it."""

    @property
    def where(self) -> str:
        """The file and the line, as editors and terminals make links of it."""
        return f"{self.file}:{self.line}"

    @property
    def said(self) -> str:
        """The mistake in one line, without its place and what to write."""
        names = ", ".join(self.resources[:_NAMES_SHOWN])
        more = len(self.resources) - _NAMES_SHOWN
        return f"{names}{f' and {more} more' if more > 0 else ''}: {self.problem} [{self.rule}]"

    def as_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Rule:
    """A kind of mistake. `name` is what comments of a template and the reference page call it."""

    name: str
    severity: str
    what: str
    """The mistake in one sentence, as the table of the reference page has it."""

    def found(self, place: Place, resource: str, problem: str, fix: str) -> Finding:
        """The finding that `resource` has this mistake at `place`."""
        return Finding(self.name, self.severity, (resource,), str(place.file), place.line, problem, fix)
