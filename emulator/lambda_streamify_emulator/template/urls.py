"""The URL of a function: its FunctionUrlConfig, or a resource of its own.

Sources: AWS SAM specification, "FunctionUrlConfig"; AWS CloudFormation Template Reference, "AWS::Lambda::Url"; AWS
Lambda API Reference, "CreateFunctionUrlConfig".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import TemplateError
from .cors import read_cors
from .values import mapping

BUFFERED, RESPONSE_STREAM = "BUFFERED", "RESPONSE_STREAM"
NONE, AWS_IAM = "NONE", "AWS_IAM"


@dataclass(frozen=True)
class UrlConfig:
    """The invoke mode, authentication and CORS of a function URL."""

    invoke_mode: str = BUFFERED
    auth_type: str = NONE
    cors: Mapping[str, Any] | None = None
    """The property Cors with its intrinsic functions resolved; None if there is none."""


def read_url_config(where: str, value: Any) -> UrlConfig:
    """Return the configuration in FunctionUrlConfig or in an AWS::Lambda::Url. `where` names it in error messages."""
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
    """Return `value`, which must be one of two; the first is the default."""
    if value is None or isinstance(value, dict):  # an unresolved value is reported elsewhere
        return allowed[0]
    if value not in allowed:
        raise TemplateError(f"{where}: {key}: {value!r} is not {allowed[0]} or {allowed[1]}")
    return str(value)
