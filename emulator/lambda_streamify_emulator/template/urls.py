"""The FunctionUrlConfig of a function.

Sources: AWS SAM specification, "FunctionUrlConfig"; AWS Lambda API Reference, "CreateFunctionUrlConfig".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import TemplateError
from ..web.cors import read_cors
from .values import mapping

BUFFERED, RESPONSE_STREAM = "BUFFERED", "RESPONSE_STREAM"
NONE, AWS_IAM = "NONE", "AWS_IAM"


@dataclass(frozen=True)
class UrlConfig:
    """How a function's URL answers, and to whom."""

    invoke_mode: str = BUFFERED
    auth_type: str = NONE
    cors: Mapping[str, Any] | None = None
    """The property Cors as the template has it, its intrinsic functions resolved; None if there is none."""


def read_url_config(where: str, value: Any) -> UrlConfig:
    """The configuration that the property FunctionUrlConfig gives. `where` names the function."""
    where = f"{where}: FunctionUrlConfig"
    url = mapping(where, value)
    return UrlConfig(
        invoke_mode=_choice(where, "InvokeMode", url.get("InvokeMode"), (BUFFERED, RESPONSE_STREAM)),
        auth_type=_choice(where, "AuthType", url.get("AuthType"), (NONE, AWS_IAM)),
        cors=None if url.get("Cors") is None else _checked_cors(f"{where}: Cors", url["Cors"]),
    )


def _checked_cors(where: str, value: Any) -> Mapping[str, Any]:
    read_cors(where, mapping(where, value))
    return dict(value)


def _choice(where: str, key: str, value: Any, allowed: tuple[str, str]) -> str:
    """`value`, which is one of two; the first stands for what is left out."""
    if value is None or isinstance(value, dict):  # an unresolved one is among those that are named
        return allowed[0]
    if value not in allowed:
        raise TemplateError(f"{where}: {key}: {value!r} is not {allowed[0]} or {allowed[1]}")
    return str(value)
