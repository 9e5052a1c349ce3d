"""URLs that everybody may call: the permissions that this takes, and what it may cost."""

import re
from collections.abc import Iterator

from ..template.urls import NONE
from .finding import ERROR, WARNING, Finding, Rule
from .functions import SAM_FUNCTION, CheckedFunction, Url
from .project import Project

PERMISSIONS = Rule(
    "url-permissions",
    ERROR,
    "The `AuthType` of a URL is `NONE`, and the template lacks one of the two permissions for everybody.",
)
PUBLIC_MODEL = Rule(
    "public-model", WARNING, "Everybody may call a URL whose function calls a model, which costs money."
)
RULES = (PERMISSIONS, PUBLIC_MODEL)

# Both are needed since October 2025 (AWS Lambda Developer Guide, "Control access to Lambda function URLs").
_NEEDED = {
    "lambda:InvokeFunctionUrl": "FunctionUrlAuthType: NONE",
    "lambda:InvokeFunction": "InvokedViaFunctionUrl: true",
}
_CALLS_MODEL = re.compile(
    r"bedrock-runtime|bedrock-agent-runtime|^[ \t]*(?:from|import)[ \t]+(?:openai|anthropic)\b", re.MULTILINE
)


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        for url in function.urls:
            if url.auth_type == NONE:
                yield from _permissions(project, function, url)
                yield from _costs(project, function, url)


def _permissions(project: Project, function: CheckedFunction, url: Url) -> Iterator[Finding]:
    # SAM makes both where NONE itself stands in the function or the Globals, and none where a parameter says NONE.
    if url.resource == function.id and function.type == SAM_FUNCTION and url.raw.get("AuthType") == NONE:
        return
    allowed = set()
    for _, properties in project.of_type("AWS::Lambda::Permission"):
        resolved = project.intrinsics.resolve(properties)
        if project.function_of(properties.get("FunctionName")) == function.id and resolved.get("Principal") == "*":
            allowed.add(str(resolved.get("Action")).lower())
    missing = [action for action in _NEEDED if not {action.lower(), "lambda:*"} & allowed]
    if missing:
        yield PERMISSIONS.found(
            project.place(url.resource, *url.keys, "AuthType"),
            url.resource,
            f"AuthType is NONE, and no AWS::Lambda::Permission gives everybody {' and '.join(missing)}: all get 403",
            "\n".join(_permission(function.id, action) for action in missing),
        )


def _permission(function: str, action: str) -> str:
    """The resource that gives everybody this permission."""
    return f"""{function}{action.removeprefix("lambda:Invoke")}ForEverybody:
  Type: AWS::Lambda::Permission
  Properties:
    Action: {action}
    FunctionName: !Ref {function}
    Principal: "*"
    {_NEEDED[action]}"""


def _costs(project: Project, function: CheckedFunction, url: Url) -> Iterator[Finding]:
    hit = function.source.find(_CALLS_MODEL)
    reason = (
        f"{hit} calls a model"
        if hit
        else "its Policies allow bedrock"
        if "bedrock" in function.policies.lower()
        else None
    )
    if reason:
        yield PUBLIC_MODEL.found(
            project.place(url.resource, *url.keys, "AuthType"),
            url.resource,
            f"AuthType is NONE, so everybody may call it, and {reason}: you pay for each call",
            "AuthType: AWS_IAM",
        )
