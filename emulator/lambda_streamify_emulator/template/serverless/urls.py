"""Translates the setting `url` of a function into a FunctionUrlConfig.

Source: the Serverless Framework's documentation, "Serverless.yml Reference"; its pull request 11907 for `invoke`; issue
12409 for the headers of `cors: true`, and for an `invokeMode` that has no effect.
"""

from collections.abc import Mapping
from typing import Any

from ...errors import TemplateError
from ..intrinsics import unresolved
from ..urls import AWS_IAM, NONE
from ..values import mapping

CORS = {
    "allowedOrigins": "AllowOrigins",
    "allowedHeaders": "AllowHeaders",
    "allowedMethods": "AllowMethods",
    "allowCredentials": "AllowCredentials",
    "exposedResponseHeaders": "ExposeHeaders",
    "maxAge": "MaxAge",
}
_DEFAULT_HEADERS = (
    "Content-Type",
    "X-Amz-Date",
    "Authorization",
    "X-Api-Key",
    "X-Amz-Security-Token",
    "X-Amzn-Trace-Id",
)
_KEYS = ("authorizer", "cors", "invoke")


def url_config(where: str, value: Any, notices: list[str]) -> dict[str, Any]:
    """Return the FunctionUrlConfig. `where` names the setting in messages. Raises TemplateError if it is not valid."""
    url = {} if value is True else mapping(where, value)
    for key in url:
        if key not in _KEYS:
            instead = ": write invoke: RESPONSE_STREAM" if str(key).lower() == "invokemode" else ""
            notices.append(f"{where}: the Framework has no setting {key} and ignores it{instead}")
    config: dict[str, Any] = {"AuthType": _authorizer(where, url.get("authorizer"))}
    if url.get("invoke") is not None:
        invoke = url["invoke"]
        config["InvokeMode"] = invoke.upper() if isinstance(invoke, str) else invoke
    if url.get("cors"):
        config["Cors"] = translated_cors(f"{where}: cors", url["cors"])
    return config


def translated_cors(where: str, value: Any) -> dict[str, Any]:
    """Return CORS settings, or `true` for the Framework's default ones, by the names of CloudFormation."""
    if value is True:
        return {"AllowOrigins": ["*"], "AllowHeaders": list(_DEFAULT_HEADERS), "AllowMethods": ["*"]}
    found = {}
    for key, item in mapping(where, value).items():
        if key not in CORS:
            raise TemplateError(f"{where}: {key} is not one of {', '.join(CORS)}")
        is_text = key.startswith(("allowed", "exposed")) and isinstance(item, str)
        found[CORS[key]] = [item] if is_text else item
    return {key: item for key, item in found.items() if item is not None}


def _authorizer(where: str, value: Any) -> Any:
    kind = value.get("type", value) if isinstance(value, Mapping) else value
    if kind is None or unresolved(kind) is not None:
        return NONE if kind is None else kind
    if str(kind).lower() != "aws_iam":
        raise TemplateError(f"{where}: authorizer: {kind!r} is not aws_iam")
    return AWS_IAM
