"""The options of `streamify serve` for handlers without a template: what a template would say about them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import variable_values

if TYPE_CHECKING:
    from ..template.handlers.translation import HandlerSettings

_HELP = "of handlers without a template"

# AWS Lambda API Reference, "CreateFunction": 1 to 900 seconds, 128 to 10240 MB.
Runtime = Annotated[
    str | None,
    typer.Option(metavar="NAME", help=f"The runtime {_HELP}. Default: the Python that runs this command."),
]
Variables = Annotated[
    list[str] | None,
    typer.Option("--env", metavar="NAME=VALUE", help=f"An environment variable {_HELP}. Repeatable."),
]
VariablesFile = Annotated[
    Path | None,
    typer.Option("--env-file", metavar="FILE", help=f"Environment variables {_HELP}, in dotenv form."),
]
Timeout = Annotated[
    int | None,
    typer.Option(min=1, max=900, metavar="SECONDS", help=f"The timeout {_HELP}. Default: 3, as on AWS."),
]
Memory = Annotated[
    int | None,
    typer.Option(min=128, max=10240, metavar="MB", help=f"The memory {_HELP}. Default: 128, as on AWS."),
]


def handler_settings(
    runtime: str | None, env: list[str] | None, env_file: Path | None, timeout: int | None, memory: int | None
) -> "HandlerSettings":
    """Return the values of the options."""
    from ..template.handlers.translation import HandlerSettings

    return HandlerSettings(runtime, variable_values(env), env_file, timeout, memory)
