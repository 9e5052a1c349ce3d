"""The form of a file: a template of SAM or CloudFormation, serverless.yml, or what `terraform show -json` prints."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import TemplateError
from .declaration import Declaration, reading
from .document import parse_document, read_text

_SERVERLESS_NAMES = re.compile(r"serverless(?:[.-][\w-]+)?\.(?:ya?ml|json)")
_SERVERLESS_PROGRAMS = re.compile(r"serverless\.[cm]?[jt]s")
_SERVERLESS_KEYS = (re.compile(r"^provider:", re.MULTILINE), re.compile(r"^functions:", re.MULTILINE))
_TEMPLATE_KEY = re.compile(r"^Resources:", re.MULTILINE)
_SHOW = "terraform show -json FILE"


def read_declaration(path: Path, parameters: Mapping[str, str] | None = None, text: str | None = None) -> Declaration:
    """Return the declaration in the file at `path`, or in `text` if that is given.

    `parameters` are values for what the form leaves open: the parameters of a template, the options of the Serverless
    Framework. Raises TemplateError if the file cannot be read.

        >>> read_declaration(Path("serverless.yml"), {"stage": "prod"}).form
        'serverless.yml'
    """
    if text is None:
        _refuse_programs(path)
        text = read_text(path)
    with reading(path):
        return _read(path, text, parameters or {})


def _read(path: Path, text: str, parameters: Mapping[str, str]) -> Declaration:
    shown = _terraform(path, text)
    if shown is not None:
        from .terraform.translation import translate as from_terraform

        if parameters:
            raise TemplateError(
                f"{path}: --parameter {next(iter(parameters))}: what Terraform shows has the values of its variables: "
                "give them to `terraform plan`"
            )
        return from_terraform(path, shown)
    if _is_serverless(path, text):
        from .serverless.translation import translate as from_serverless

        return from_serverless(path, text, parameters)
    return Declaration(path, parse_document(path, text), text=text, parameters=parameters)


def _refuse_programs(path: Path) -> None:
    """Raise TemplateError for a file that names what is served, and that only its own tool can run."""
    if path.suffix == ".tf":
        raise TemplateError(
            f"{path}: it is Terraform's source: serve its plan: terraform show -json PLAN | streamify serve -"
        )
    if _SERVERLESS_PROGRAMS.fullmatch(path.name):
        raise TemplateError(f"{path}: it is a program: serve what `serverless print` writes into a file serverless.yml")
    if path.is_file():
        with path.open("rb") as file:
            if file.read(2) == b"PK":
                raise TemplateError(
                    f"{path}: it is an archive, such as a plan of Terraform: {_SHOW} | streamify serve -"
                )


def _terraform(path: Path, text: str) -> dict[str, Any] | None:
    """Return the content of what Terraform has written; None for other files."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        shown = json.loads(text)
    except ValueError:
        return None
    if not isinstance(shown, dict) or "terraform_version" not in shown:
        return None
    if "lineage" in shown:
        raise TemplateError(f"{path}: it is a state file of Terraform: {_SHOW} | streamify serve -")
    return shown


def _is_serverless(path: Path, text: str) -> bool:
    if _SERVERLESS_NAMES.fullmatch(path.name):
        return True
    return all(key.search(text) for key in _SERVERLESS_KEYS) and not _TEMPLATE_KEY.search(text)
