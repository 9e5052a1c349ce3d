"""Which module of a package imports which: the tests hold the structure of both packages against it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One import statement of `module`: what it imports, and whether only type checkers run it."""

    module: str
    imported: str
    is_ours: bool
    for_types: bool


@dataclass(frozen=True)
class ImportGraph:
    """The imports of the package in `folder`, lazy and type-only ones too.

    A module is named by its dotted path below the package: `_core.current`, or `_core` for a package's own module. The
    package's own is the empty string.
    """

    folder: Path
    files: dict[str, Path] = field(init=False)

    def __post_init__(self) -> None:
        found = (path for path in sorted(self.folder.rglob("*.py")) if path.stem.isidentifier())
        object.__setattr__(self, "files", {self._name(path): path for path in found})

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.folder).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        """The imports of each module."""
        return {module: list(self._imports(module, path)) for module, path in self.files.items()}

    def of(self, module: str) -> set[str]:
        """Return the modules of this package that `module` imports, for whatever reason."""
        return {found.imported for found in self.imports[module] if found.is_ours}

    def outside(self, module: str) -> set[str]:
        """Return the top-level modules that `module` imports when it runs and that are not this package's."""
        return {found.imported for found in self.imports[module] if not found.is_ours and not found.for_types}

    def modules(self) -> dict[str, set[str]]:
        """Return by module what it imports of this package."""
        return {module: self.of(module) for module in self.files}

    def folders(self) -> dict[str, set[str]]:
        """Return the same by folder, and by module for those that lie in no folder."""
        found: dict[str, set[str]] = {}
        for module in self.files:
            place = self.place(module)
            found.setdefault(place, set()).update(self.place(name) for name in self.of(module))
            found[place].discard(place)
        return found

    def place(self, module: str) -> str:
        """Return the folder that `module` lies in; its own name if that is the package's."""
        return module.partition(".")[0]

    def _imports(self, module: str, path: Path) -> Iterator[Import]:
        statements = ast.parse(path.read_text()).body
        type_only = {
            id(node)
            for branch in _each(statements)
            if isinstance(branch, ast.If) and isinstance(branch.test, ast.Name) and branch.test.id == "TYPE_CHECKING"
            for node in _each(branch.body)
        }
        parents = module.split(".") if path.name == "__init__.py" and module else module.split(".")[:-1]
        for node in _each(statements):
            for_types = id(node) in type_only
            if isinstance(node, ast.Import):
                for alias in node.names:
                    yield self._absolute(module, alias.name, for_types=for_types)
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                assert node.module is not None
                yield self._absolute(module, node.module, for_types=for_types)
            elif isinstance(node, ast.ImportFrom):
                above = parents[: len(parents) - node.level + 1]
                base = ".".join([*above, *(node.module or "").split(".")]).strip(".")
                for alias in node.names:
                    below = f"{base}.{alias.name}".strip(".")
                    yield Import(module, below if below in self.files else base, is_ours=True, for_types=for_types)

    def _absolute(self, module: str, name: str, *, for_types: bool) -> Import:
        top, _, rest = name.partition(".")
        if top == self.folder.name:
            return Import(module, rest, is_ours=True, for_types=for_types)
        return Import(module, top, is_ours=False, for_types=for_types)


def _each(statements: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield each statement and those inside it, without their expressions: `ast.walk` takes ten times as long."""
    for statement in statements:
        yield statement
        for inner in ("body", "orelse", "handlers", "finalbody", "cases"):
            yield from _each(getattr(statement, inner, ()))


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """Return a circle in `graph`, its first element at both ends, or an empty list."""
    done: set[str] = set()

    def visit(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for below in sorted(graph.get(node, ())):
            found = visit(below, [*way, node])
            if found:
                return found
        done.add(node)
        return []

    for node in sorted(graph):
        found = visit(node, [])
        if found:
            return found
    return []
