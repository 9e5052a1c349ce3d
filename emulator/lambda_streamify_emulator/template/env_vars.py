"""Environment variables from a file in the format of `sam local`'s --env-vars, so that both can use the same file.

{"Parameters": {"NAME": "for all functions"}, "HelloFunction": {"NAME": "for this function, overrides Parameters"}}

As in `sam local` (samcli 1.170), a key is a function's logical id or its name. A variable that the template does not
declare for the function is ignored: on AWS, the function would not have it either.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import EmulatorError
from .reader import Function, Template, variable

FOR_ALL = "Parameters"


def with_env_vars(template: Template, file: Path) -> tuple[Template, list[str]]:
    """Return the template with the file's values, and a message for each part of the file that is not used.

    Raises EmulatorError if the file cannot be read.
    """
    sections = _read(file)
    known = {name for function in template.functions for name in (function.logical_id, function.name)}
    notices = [f"{file}: no function is named {name}" for name in sections if name not in known | {FOR_ALL}]
    functions = []
    for function in template.functions:
        given = sections.get(function.logical_id) or sections.get(function.name) or {}
        notices += [
            f"{file}: {function.name} has no variable {name} in the template, so it does not get one"
            for name in given
            if name not in _declared_variables(function)
        ]
        values = {**sections.get(FOR_ALL, {}), **given}
        own = {name: value for name, value in values.items() if name in _declared_variables(function)}
        functions.append(replace(function, environment={**function.environment, **own}))
    return replace(template, functions=tuple(functions)), notices


def _declared_variables(function: Function) -> set[str]:
    return {*function.environment, *function.unset}


def _read(file: Path) -> Mapping[str, Mapping[str, str]]:
    try:
        sections: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise EmulatorError(f"--env-vars {file}: it cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise EmulatorError(f"--env-vars {file}: it is not JSON: {error}") from error
    if not isinstance(sections, dict) or not all(isinstance(section, dict) for section in sections.values()):
        raise EmulatorError(
            f'--env-vars {file}: write it as {{"FUNCTION": {{"NAME": "value"}}}}, with {FOR_ALL} for all functions'
        )
    return {
        section: {name: variable(f"--env-vars {file}: {section}", name, value) for name, value in values.items()}
        for section, values in sections.items()
    }
