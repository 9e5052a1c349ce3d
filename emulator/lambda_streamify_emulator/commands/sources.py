"""What the arguments of `streamify serve` and `streamify check` mean: a file, standard input, or handlers."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from ..errors import EmulatorError
from ..template.declaration import Declaration
from ..template.forms import read_declaration
from ..template.handlers.handler import is_handler, missing_module
from ..template.handlers.translation import HandlerSettings, translate
from .options import DEFAULT_TEMPLATE, template_file
from .template_source import TemplateSource

STDIN = Path("-")
_STDIN_NAME = Path("standard input")


def source_of(
    arguments: Sequence[Path] | None, stack: str | None, settings: HandlerSettings, options: TemplateSource
) -> TemplateSource:
    """Return `options` for what `arguments` name. Raises EmulatorError for options that do not go with it."""
    named = list(arguments or [DEFAULT_TEMPLATE])
    handlers = [argument for argument in named if is_handler(argument)]
    if not handlers:
        _refuse_settings(named[0], settings)
        if len(named) > 1:
            raise EmulatorError(f"{named[0]} {named[1]}: serve one template at a time; only handlers may be several")
        return _template_source(named[0], stack, options)
    others = [argument for argument in named if argument not in handlers]
    if others:
        raise EmulatorError(f"{others[0]}: it is no handler, as {handlers[0]} is; serve it by itself")
    _refuse_template_options(handlers[0], stack, options)
    watched = () if settings.env_file is None else (settings.env_file,)
    return replace(options, path=handlers[0], declare=partial(translate, handlers, settings), also_watched=watched)


def declaration_of(named: Path, stack: str | None, parameters: Mapping[str, str]) -> Declaration:
    """Return what is declared in a file, or on standard input. Raises EmulatorError if it cannot be read."""
    if is_handler(named):
        raise EmulatorError(f"{named}: it is a handler without a template, and all rules are about templates")
    if named == STDIN:
        return read_declaration(_STDIN_NAME, parameters, _standard_input(stack))
    return read_declaration(template_file(named, stack), parameters)


def _template_source(named: Path, stack: str | None, options: TemplateSource) -> TemplateSource:
    if named != STDIN:
        missing = missing_module(named)
        if missing is not None:
            raise EmulatorError(missing)
        return replace(options, path=template_file(named, stack))
    text = _standard_input(stack)  # it can be read once
    return replace(options, path=_STDIN_NAME, declare=partial(read_declaration, _STDIN_NAME, options.parameters, text))


def _standard_input(stack: str | None) -> str:
    if stack is not None:
        raise EmulatorError(f"--stack {stack}: {_STDIN_NAME} is no folder that `cdk synth` writes")
    try:
        return sys.stdin.buffer.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise EmulatorError(f"{_STDIN_NAME}: it is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _refuse_settings(named: Path, settings: HandlerSettings) -> None:
    given = {
        "--runtime": settings.runtime,
        "--env": next(iter(settings.environment), None),
        "--env-file": settings.env_file,
        "--timeout": settings.timeout_s,
        "--memory": settings.memory_mb,
    }
    for option, value in given.items():
        if value is not None:
            instead = "; --env-vars gives its functions values" if option.startswith("--env") else ""
            raise EmulatorError(
                f"{option} {value}: it is for handlers, such as app.lambda_handler; {named} says this itself{instead}"
            )


def _refuse_template_options(handler: Path, stack: str | None, options: TemplateSource) -> None:
    given = {
        "--parameter": next(iter(options.parameters), None),
        "--layer": next(iter(options.layers), None),
        "--stack": stack,
        "--env-vars": options.env_vars,
    }
    for option, value in given.items():
        if value is not None:
            instead = "; use --env or --env-file" if option == "--env-vars" else ""
            raise EmulatorError(f"{option} {value}: it is for a template, and {handler} is a handler{instead}")
