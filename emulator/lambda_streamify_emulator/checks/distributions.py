"""CloudFront before a function URL: who may call the URL, and what becomes of a stream on its way."""

import re
from collections.abc import Iterator
from typing import Any

from ..template.urls import AWS_IAM
from .finding import ERROR, WARNING, Finding, Rule
from .origins import Origin, url_origins
from .project import Project

ACCESS = Rule(
    "cloudfront-access", ERROR, "CloudFront does not sign what it sends to a URL whose `AuthType` is `AWS_IAM`."
)
PERMISSIONS = Rule(
    "cloudfront-permissions",
    ERROR,
    "CloudFront signs for a URL, and the template lacks one of the two permissions for CloudFront.",
)
HOST = Rule("cloudfront-host", ERROR, "CloudFront sends the viewer's `Host` to a function URL, which refuses it.")
CACHE = Rule("cloudfront-cache", WARNING, "CloudFront keeps a stream, and sends it to the next caller too.")
TIMEOUT = Rule(
    "cloudfront-timeout",
    WARNING,
    "CloudFront ends a stream before the function's `Timeout`, or when it is silent for 30 seconds.",
)
RULES = (ACCESS, PERMISSIONS, HOST, CACHE, TIMEOUT)

DEFAULT_READ_TIMEOUT_S = 30
"""How long CloudFront waits for the origin's next bytes (CloudFront API Reference, "CustomOriginConfig")."""

# CloudFront Developer Guide, "Restrict access to an AWS Lambda function URL origin".
_NEEDED = {
    "lambda:InvokeFunctionUrl": "FunctionUrlAuthType: AWS_IAM",
    "lambda:InvokeFunction": "InvokedViaFunctionUrl: true",
}
_CLOUDFRONT = "cloudfront.amazonaws.com"
# CloudFront Developer Guide, "Use managed origin request policies" and "Use managed cache policies".
_WITH_HOST = {
    "216adef6-5c7f-47e4-b989-5492eafa07d3": "AllViewer",
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": "AllViewerAndCloudFrontHeaders-2022-06",
}
_CACHING = {
    "658327ea-f89d-4fab-a63d-7e88639e58f6": "CachingOptimized",
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d": "CachingOptimizedForUncompressedObjects",
}
_EXCEPT_HOST = "OriginRequestPolicyId: b689b0a8-53d0-40ab-baf2-68738e2966ac  # AllViewerExceptHostHeader"
_DISABLED = "CachePolicyId: 4135ea2d-6df8-44a3-9df3-4b5a84be39ad  # CachingDisabled"


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for origin in url_origins(project):
        if origin.url.auth_type == AWS_IAM:
            yield from _access(origin)
        yield from _host(origin)
        if origin.url.streams:
            yield from _cache(origin)
            yield from _silence(origin)
            yield from _completion(origin)


def _access(origin: Origin) -> Iterator[Finding]:
    if not origin.properties.get("OriginAccessControlId"):
        yield origin.found(
            ACCESS,
            origin.place(*origin.keys),
            "the origin is a URL with AuthType AWS_IAM, and has no origin access control: all get 403",
            "OriginAccessControlId: !GetAtt an AWS::CloudFront::OriginAccessControl of the type lambda",
        )
        return
    project, function = origin.project, origin.function
    allowed = set()
    for _, properties in project.of_type("AWS::Lambda::Permission"):
        resolved = project.intrinsics.resolve(properties)
        if project.function_of(properties.get("FunctionName")) == function.id:
            allowed.add((resolved.get("Principal"), str(resolved.get("Action")).lower()))
    missing = [action for action in _NEEDED if not {(_CLOUDFRONT, action.lower()), (_CLOUDFRONT, "lambda:*")} & allowed]
    if missing:
        yield origin.found(
            PERMISSIONS,
            origin.place(*origin.keys, "OriginAccessControlId"),
            f"no AWS::Lambda::Permission gives CloudFront {' and '.join(missing)}: all get 403",
            "\n".join(_permission(origin, action) for action in missing),
        )


def _permission(origin: Origin, action: str) -> str:
    """The resource that gives the distribution this permission."""
    arn = f"arn:${{AWS::Partition}}:cloudfront::${{AWS::AccountId}}:distribution/${{{origin.distribution}}}"
    return f"""{origin.function.id}{action.removeprefix("lambda:Invoke")}ForCloudFront:
  Type: AWS::Lambda::Permission
  Properties:
    Action: {action}
    FunctionName: !Ref {origin.function.id}
    Principal: {_CLOUDFRONT}
    SourceArn: !Sub {arn}
    {_NEEDED[action]}"""


def _host(origin: Origin) -> Iterator[Finding]:
    for behavior in origin.behaviors:
        policy = _WITH_HOST.get(str(behavior.properties.get("OriginRequestPolicyId")))
        if policy:
            yield origin.found(
                HOST,
                origin.place(*behavior.keys, "OriginRequestPolicyId"),
                f"the policy {policy} sends the viewer's Host, and a function URL answers to its own name only",
                _EXCEPT_HOST,
            )


def _cache(origin: Origin) -> Iterator[Finding]:
    for behavior in origin.behaviors:
        policy = _CACHING.get(str(behavior.properties.get("CachePolicyId")))
        if policy:
            yield origin.found(
                CACHE,
                origin.place(*behavior.keys, "CachePolicyId"),
                f"the policy {policy} keeps the answer to a GET for a day, unless its Cache-Control says otherwise, "
                "and does not tell query strings, cookies or callers apart",
                _DISABLED,
            )


def _silence(origin: Origin) -> Iterator[Finding]:
    given = origin.timeouts.get("OriginReadTimeout", DEFAULT_READ_TIMEOUT_S)
    seconds, longest = _seconds(given), origin.function.timeout
    if seconds is None or longest is None or seconds > DEFAULT_READ_TIMEOUT_S or seconds >= longest:
        return
    default = "" if "OriginReadTimeout" in origin.timeouts else ", the default"
    yield origin.found(
        TIMEOUT,
        origin.place(*origin.keys, "CustomOriginConfig", "OriginReadTimeout"),
        f"OriginReadTimeout is {seconds} seconds{default}: a stream that is silent for as long ends",
        "OriginReadTimeout: 60",
    )


def _completion(origin: Origin) -> Iterator[Finding]:
    seconds, longest = _seconds(origin.properties.get("ResponseCompletionTimeout")), origin.function.timeout
    if seconds is None or longest is None or seconds >= longest:
        return
    yield origin.found(
        TIMEOUT,
        origin.place(*origin.keys, "ResponseCompletionTimeout"),
        f"ResponseCompletionTimeout is {seconds} seconds, and the function's Timeout is {longest}: "
        "longer streams are cut",
        f"ResponseCompletionTimeout: {longest}",
    )


def _seconds(value: Any) -> int | None:
    return int(value) if re.fullmatch(r"[0-9]{1,9}", str(value)) else None
