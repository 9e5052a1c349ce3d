"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import EmulatorError
from ..template.cdk.assembly import stack_template

AllowHost = Annotated[
    list[str] | None,
    typer.Option(
        help="A host name that requests may use for this machine, for example behind a proxy. Repeatable.",
        metavar="NAME",
    ),
]

DEFAULT_TEMPLATE = Path("template.yaml")
Template = Annotated[
    Path,
    typer.Argument(
        help="The template, the CDK's folder cdk.out, serverless.yml, or a plan or state as terraform show -json "
        "prints it.",
        show_default=True,
    ),
]
Served = Annotated[
    list[Path] | None,
    typer.Argument(
        help="A template as `streamify check` reads it, - for what Terraform prints on standard input, or handlers: "
        "app.lambda_handler, src/app.py. Default: template.yaml.",
        metavar="[TEMPLATE|HANDLER...]",
        show_default=False,
    ),
]
Stack = Annotated[str | None, typer.Option(help="The stack to take from cdk.out.", metavar="NAME")]
Parameters = Annotated[
    list[str] | None, typer.Option(help="A parameter of the template. Repeatable.", metavar="NAME=VALUE")
]
Layers = Annotated[
    list[str] | None,
    typer.Option(help="The content of a layer: a folder or a .zip file. Repeatable.", metavar="ARN=PATH"),
]
MaxConcurrency = Annotated[
    list[str] | None,
    typer.Option(
        help="Run up to N invocations at a time in each sandbox, as on Lambda Managed Instances: of the function NAME, "
        "or of all whose template does not say how many. Repeatable.",
        metavar="[NAME=]N",
    ),
]


def parameter_values(given: list[str] | None) -> dict[str, str]:
    """Return the values of --parameter by their names."""
    return dict(_pair("--parameter", text) for text in given or ())


def layer_places(given: list[str] | None) -> dict[str, Path]:
    """Return the places of --layer by their ARNs."""
    return {arn: Path(path) for arn, path in (_pair("--layer", text) for text in given or ())}


def variable_values(given: list[str] | None) -> dict[str, str]:
    """Return the values of --env by their names."""
    return dict(_pair("--env", text) for text in given or ())


def template_file(path: Path, stack: str | None) -> Path:
    """Return the template to read: the file itself, or that of a stack if `path` is what `cdk synth` has written."""
    if path.is_dir():
        return stack_template(path, stack)
    if stack is not None:
        raise EmulatorError(f"--stack {stack}: {path} is no folder that `cdk synth` writes")
    return path


def _pair(option: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise EmulatorError(f"{option} {text}: write it as {'ARN=PATH' if option == '--layer' else 'NAME=VALUE'}")
    return name, value
