"""The template that `streamify serve` serves, with the options that decide what of it is served, and how."""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..checks.run import check_declaration
from ..errors import EmulatorError, TemplateError
from ..sandboxes.debugger import check_name
from ..template.declaration import Declaration
from ..template.env_vars import with_env_vars
from ..template.forms import read_declaration
from ..template.reader import Function, Template, load_declaration

if TYPE_CHECKING:
    from ..checks.finding import Finding


@dataclass(frozen=True)
class Reading:
    """The template as it was read, with what the developer should know about it."""

    template: Template
    unresolved: str
    """A message about values that are not known here; empty if all are."""
    notices: tuple[str, ...]
    findings: tuple["Finding", ...]


@dataclass(frozen=True)
class TemplateSource:
    """Where the template comes from. `layers` maps ARNs to the folders or .zip files of layers.

    `only` names the functions to serve, by default all; `debug` is the one to debug. With `strict`, a template in which
    `streamify check` finds an error is not served.
    """

    path: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    declare: Callable[[], Declaration] | None = None
    """Returns what is served, if it is not in the file at `path`."""
    layers: Mapping[str, Path] = field(default_factory=dict)
    env_vars: Path | None = None
    only: Collection[str] = ()
    debug: str | None = None
    strict: bool = False
    also_watched: tuple[Path, ...] = ()
    """The files from which `declare` takes what is served."""

    @property
    def files(self) -> list[Path]:
        """The files that decide what is served."""
        own = [self.path] if self.declare is None else list(self.also_watched)
        return [*own, *([] if self.env_vars is None else [self.env_vars])]

    def read(self, before: Reading | None = None) -> Reading:
        """Read the files. Raises EmulatorError if they cannot be served.

        While `before` is served, a mistake in one of its functions is an error too: the function keeps its port.
        """
        declaration = self.declare() if self.declare is not None else read_declaration(self.path, self.parameters)
        try:
            template = load_declaration(declaration, self.layers)
            _check_known(template, () if before is None else before.template.functions)
            template = _selected(template, self.only)
        except TemplateError as error:
            raise _with_line(declaration, error) from error
        names = ", ".join(template.unresolved)
        unresolved = f"not resolved in {self.path}, so functions do not see it: {names}" if names else ""
        if self.debug is not None:
            check_name(self.debug, template.functions)
        notices: list[str] = []
        if self.env_vars is not None:
            template, notices = with_env_vars(template, self.env_vars)
        findings = check_declaration(declaration, self.layers, self.only)
        return Reading(template, unresolved, (*template.left_out, *notices), tuple(findings))


def _with_line(declaration: Declaration, error: TemplateError) -> TemplateError:
    """Return the error with its line, if its message begins with the keys that lead to it in the template."""
    path = declaration.path
    file, *keys = str(error).split(": ")
    if file != str(path) or not keys:
        return error
    with suppress(TemplateError):
        positions = declaration.positions()
        if positions.find(("Resources", keys[0])) is not None:
            line = positions.nearest(("Resources", keys[0], "Properties", *keys[1:]))
            return TemplateError(f"{path}:{line}: {': '.join(keys)}")
    return error


def _check_known(template: Template, functions: Iterable[Function]) -> None:
    """Raise TemplateError if one of these functions cannot be read any more."""
    for function in functions:
        if function.logical_id in template.faults:
            raise TemplateError(template.faults[function.logical_id])


def _selected(template: Template, names: Collection[str]) -> Template:
    """Return the template with only the named functions; unchanged if there are no names."""
    known = [function.name for function in template.functions]
    for name in names:
        if name not in known:
            raise EmulatorError(f"--only {name}: there is no such function; there are {', '.join(known)}")
    chosen = tuple(function for function in template.functions if not names or function.name in names)
    return replace(template, functions=chosen)
