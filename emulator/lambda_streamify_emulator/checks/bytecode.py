"""Modules of a build without bytecode. /var/task is read-only, so Python compiles them at every cold start."""

from collections.abc import Iterator
from pathlib import Path

from ..precompiling.modules import modules, without_bytecode
from .finding import NOTE, Finding, Rule
from .functions import CheckedFunction
from .project import Project
from .values import mapping_or_empty

MISSING = Rule(
    "no-bytecode", NOTE, "Modules of a build have no bytecode, so each cold start compiles those it imports."
)
RULES = (MISSING,)


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        if not function.is_python:
            continue
        sources = [source for folder in _built(project, function) for source in modules(folder)]
        missing = len(without_bytecode(sources, [function.runtime]))
        if missing:
            yield MISSING.found(
                project.place(function.id),
                function.id,
                f"{missing} of {len(sources)} modules, its layers' too, have no bytecode of {function.runtime}",
                f"streamify precompile {project.file.path.parent}",
            )


def _built(project: Project, function: CheckedFunction) -> Iterator[Path]:
    """The folders of a function's modules that `sam build` has written."""
    if function.code is not None and _is_built(project, function.id):
        yield function.code
    for layer in function.layers:
        if _is_built(project, layer.name):
            properties = mapping_or_empty(project.resources[layer.name].get("Properties"))
            content = project.intrinsics.resolve(properties.get("ContentUri", properties.get("Content")))
            if isinstance(content, str) and ".." not in Path(content).parts:
                yield project.file.path.parent / content / "python"


def _is_built(project: Project, id_: str) -> bool:
    # `sam build` records the resource's id.
    return "SamResourceId" in mapping_or_empty(project.resources.get(id_, {}).get("Metadata"))
