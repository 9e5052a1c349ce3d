"""Translates handlers, with settings from the command line, into a template whose functions stream.

Each function has a URL that streams to everybody, and the layer that is installed beside the emulator.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...account import ACCOUNT_ID, REGION
from ...errors import TemplateError
from ..declaration import HANDLERS, Declaration
from ..dotenv import read_env_file
from ..functions import DEFAULT_MEMORY_MB, DEFAULT_TIMEOUT_S
from ..stack import SAM_FUNCTION
from ..urls import NONE, RESPONSE_STREAM
from ..values import variable
from .handler import Handler, find_handlers

OWN_RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
_LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:layer:streamify:1"
_WRAPPER = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}


@dataclass(frozen=True)
class HandlerSettings:
    """What a template would say about the functions; None is AWS's default. `environment` overrides `env_file`."""

    runtime: str | None = None
    """By default the version of Python that runs the emulator."""
    environment: Mapping[str, str] = field(default_factory=dict)
    env_file: Path | None = None
    timeout_s: int | None = None
    memory_mb: int | None = None


def translate(arguments: Sequence[Path], settings: HandlerSettings) -> Declaration:
    """Return the declaration of the functions that `arguments` name; see `find_handlers`.

    Raises TemplateError if there is no such handler, EmulatorError if the file of variables cannot be read.
    """
    handlers = list(dict.fromkeys(handler for argument in arguments for handler in find_handlers(argument)))
    runtime = settings.runtime or OWN_RUNTIME
    if not runtime.startswith("python"):
        raise TemplateError(f"--runtime {runtime}: handlers without a template run on Python, such as {OWN_RUNTIME}")
    given = {} if settings.env_file is None else read_env_file(settings.env_file)
    variables = {**_WRAPPER, **given, **settings.environment}
    for name, value in settings.environment.items():
        variable("--env", name, value)
    common = {
        "Runtime": runtime,
        "Timeout": settings.timeout_s or DEFAULT_TIMEOUT_S,
        "MemorySize": settings.memory_mb or DEFAULT_MEMORY_MB,
        "Environment": {"Variables": variables},
        "Layers": [_LAYER],
        "FunctionUrlConfig": {"AuthType": NONE, "InvokeMode": RESPONSE_STREAM},
    }
    resources = {name: _function(handler, common) for name, handler in _names(handlers).items()}
    notices = () if settings.timeout_s else (_timeout_notice(resources),)
    return Declaration(arguments[0], {"Resources": resources}, HANDLERS, notices=notices)


def _function(handler: Handler, common: Mapping[str, Any]) -> dict[str, Any]:
    code = {"CodeUri": str(handler.folder.resolve()), "Handler": handler.name}
    return {"Type": SAM_FUNCTION, "Properties": {**code, **common}}


def _names(handlers: Sequence[Handler]) -> dict[str, Handler]:
    """Return the handlers by the names of their functions: the module's, with the handler's if there are several."""
    modules = [handler.name.rpartition(".")[0] for handler in handlers]
    shared = Counter(modules)
    found: dict[str, Handler] = {}
    for module, handler in zip(modules, handlers, strict=True):
        name = (module if shared[module] == 1 else handler.name).replace(".", "-")
        if name in found:
            raise TemplateError(
                f"{handler.module}: its function would have the name {name}, as that of {found[name].module} has"
            )
        found[name] = handler
    return found


def _timeout_notice(names: Mapping[str, Any]) -> str:
    return (
        f"{', '.join(names)}: AWS's default timeout of {DEFAULT_TIMEOUT_S} s applies, and cuts longer streams; "
        "choose another with --timeout SECONDS"
    )
