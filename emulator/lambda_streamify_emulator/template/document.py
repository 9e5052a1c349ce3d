"""A template's text as YAML, and its resources: all that comes before they mean anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from .values import kind, mapping


def read_document(path: Path) -> dict[str, Any]:
    """The sections of the template at `path`."""
    import yaml
    from samtranslator.yaml_helper import yaml_parse

    try:
        document = yaml_parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TemplateError(
            f"{path}: there is no such file; name your template, or run where template.yaml is"
        ) from None
    except OSError as error:
        raise TemplateError(f"{path}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: it is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except yaml.reader.ReaderError as error:
        raise TemplateError(f"{path}: it is not YAML: {error.reason} at character {error.position}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise TemplateError(f"{path}: it is not YAML: {error.problem}{where}") from error
    except (AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        # PyYAML, of values that are not what they look like or are tagged as: the date 2024-13-45, !!int x.
        raise TemplateError(f"{path}: it holds a value that cannot be read as YAML: {error}") from error
    if document is None:
        raise TemplateError(f"{path}: it is empty")
    if not isinstance(document, dict):
        raise TemplateError(f"{path}: it holds {kind(document)} instead of a template's sections")
    return document


def resources(path: Path, document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The template's resources by their logical ids; Properties is a mapping in each that has it."""
    section = document.get("Resources")
    if not isinstance(section, dict):
        raise TemplateError(f"{path}: there are no Resources in it; a SAM template lists its functions there")
    for id_, resource in section.items():
        if not isinstance(resource, dict):
            raise TemplateError(f"{path}: {id_}: it is {kind(resource)} instead of a resource with Type and Properties")
        mapping(f"{path}: {id_}: Properties", resource.get("Properties"))
    return {str(id_): resource for id_, resource in section.items()}
