"""Finds the template of a stack in a cloud assembly, the folder that `cdk synth` writes (cdk.out).

Source: the CDK's cloud-assembly-schema, manifest.json: its artifacts are stacks, and assemblies of stages in folders of
their own.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import TemplateError

MANIFEST = "manifest.json"
_STACK, _ASSEMBLY = "aws:cloudformation:stack", "cdk:cloud-assembly"


class SynthesizedStack(NamedTuple):
    """A stack of an assembly. `name` is that of `cdk list`; `others` are its further names."""

    name: str
    others: tuple[str, ...]
    template: Path


def stack_template(folder: Path, name: str | None = None) -> Path:
    """Return the template of the stack `name`, or of the only one, in the assembly in `folder`.

        >>> stack_template(Path("cdk.out"), "Prod/Api")
        PosixPath('cdk.out/assembly-Prod/ProdApi3F1D2A84.template.json')

    Raises TemplateError if it is no assembly, or the stack is not clear.
    """
    try:
        stacks = list(_stacks(folder))
    except (AttributeError, LookupError, RecursionError, TypeError) as error:
        raise TemplateError(f"{folder / MANIFEST}: it is no manifest of a cloud assembly: {error}") from error
    names = ", ".join(stack.name for stack in stacks) or "none"
    if name is None:
        if len(stacks) == 1:
            return stacks[0].template
        raise TemplateError(f"{folder}: choose one of its stacks with --stack NAME: {names}")
    for stack in stacks:
        if name in (stack.name, *stack.others):
            return stack.template
    raise TemplateError(f"{folder}: it has no stack {name}; its stacks: {names}")


def _stacks(folder: Path) -> Iterator[SynthesizedStack]:
    manifest = _read(folder / MANIFEST)
    artifacts = manifest.get("artifacts")
    for id_, artifact in artifacts.items() if isinstance(artifacts, dict) else ():
        kind, properties = artifact.get("type"), artifact.get("properties") or {}
        if kind == _STACK:
            display = artifact.get("displayName") or id_
            others = (str(id_), str(properties.get("stackName", id_)))
            yield SynthesizedStack(str(display), others, folder / str(properties["templateFile"]))
        elif kind == _ASSEMBLY:
            yield from _stacks(folder / str(properties["directoryName"]))


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TemplateError(
            f"{file.parent}: it is a folder without {MANIFEST}; name a template, or the folder that `cdk synth` writes"
        ) from None
    except OSError as error:
        raise TemplateError(f"{file}: it cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TemplateError(f"{file}: it is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise TemplateError(f"{file}: it is no manifest of a cloud assembly")
    return content
