"""Reads a template as YAML, and finds its resources, without interpreting them."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from .values import kind, mapping

# AWS CloudFormation User Guide: a logical id has up to 255 letters and digits ("Resources", "quotas"). Templates that
# are never deployed also contain - and _. The id may become a function's name, and so a part of file names.
ID_LENGTH_LIMIT = 255
_ID = re.compile(rf"[A-Za-z0-9_-]{{1,{ID_LENGTH_LIMIT}}}")
# CloudFormation accepts templates of up to 1 MB ("quotas"), with all aliases expanded. Each value takes at least two
# bytes of that.
VALUE_LIMIT = 500_000
# What a folder is likely to have where template.yaml, the default, is missing.
_OTHER_NAMES = ("template.yaml", "template.yml", "template.json", "serverless.yml", "serverless.yaml", "cdk.out")


def read_text(path: Path) -> str:
    """Return the text of the file at `path`. Raises TemplateError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TemplateError(f"{path}: there is no such file; {_instead(path.parent)}") from None
    except OSError as error:
        raise TemplateError(f"{path}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: it is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _instead(folder: Path) -> str:
    named = next((folder / name for name in _OTHER_NAMES if (folder / name).exists()), None)
    return "name your template, or run where template.yaml is" if named is None else f"do you mean {named}?"


def read_document(path: Path) -> dict[str, Any]:
    """Return the sections of the template at `path`. Raises TemplateError if it cannot be read."""
    return parse_document(path, read_text(path))


def parse_document(path: Path, text: str) -> dict[str, Any]:
    """Return the sections of the template at `path`, whose text is `text`. Raises TemplateError if it has none."""
    import yaml

    try:
        document = _parse(path, text)
    except yaml.reader.ReaderError as error:
        raise TemplateError(f"{path}: it is not YAML: {error.reason} at character {error.position}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise TemplateError(f"{path}: it is not YAML: {error.problem}{where}") from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # PyYAML raises these for values that do not fit their form or tag: the date 2024-13-45, !!int x.
        raise TemplateError(f"{path}: it contains a value that is not valid YAML: {error}") from error
    if document is None:
        raise TemplateError(f"{path}: it is empty")
    if not isinstance(document, dict):
        raise TemplateError(f"{path}: it contains {kind(document)} instead of a template's sections")
    return document


def _parse(path: Path, text: str) -> Any:
    """Parse the text as AWS's translator does. Raises TemplateError if its aliases expand to too many values."""
    import yaml
    from samtranslator.yaml_helper import intrinsics_multi_constructor

    class Loader(yaml.SafeLoader):
        def construct_document(self, node: yaml.Node) -> Any:
            if _count_values(node, {}) > VALUE_LIMIT:
                raise TemplateError(f"{path}: with its aliases (*name) expanded it has over {VALUE_LIMIT:,} values")
            return super().construct_document(node)

    Loader.add_multi_constructor("!", intrinsics_multi_constructor)
    return yaml.load(text, Loader)  # noqa: S506 - a SafeLoader


def _count_values(node: Any, known: dict[int, int]) -> int:
    """Return the number of values in a YAML node with all aliases expanded; `known` caches it by the ids of nodes."""
    if not isinstance(node.value, list):
        return 1
    if id(node) not in known:
        known[id(node)] = 0  # stops at a node that contains itself, which is reported elsewhere
        parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
        known[id(node)] = 1 + sum(_count_values(part, known) for part in parts)
    return known[id(node)]


def resources(path: Path, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the template's resources by logical id. Raises TemplateError if one is not valid."""
    section = document.get("Resources")
    if not isinstance(section, dict):
        raise TemplateError(f"{path}: there are no Resources in it; a SAM template lists its functions there")
    for id_, resource in section.items():
        if not _ID.fullmatch(str(id_)):
            shown = id_ if len(str(id_)) <= ID_LENGTH_LIMIT else f"{str(id_)[:ID_LENGTH_LIMIT]}…"
            raise TemplateError(
                f"{path}: {shown!r} is not a logical id, which is up to {ID_LENGTH_LIMIT} letters, digits, - and _"
            )
        if not isinstance(resource, dict):
            raise TemplateError(f"{path}: {id_}: it is {kind(resource)} instead of a resource with Type and Properties")
        mapping(f"{path}: {id_}: Properties", resource.get("Properties"))
    return {str(id_): resource for id_, resource in section.items()}
