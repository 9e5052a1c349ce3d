"""Who calls a function today, and what each of them gets after it was attached; in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .snapshot import LATEST
from .ways import AUTO, BUFFERED, UNCHANGED, WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .snapshot import Function

_SAME = "the same as before: the code and settings behind it do not change"
_JSON = "the same JSON for a plain value"
_COLLECTED = "the same answers as before; a stream is collected and comes in one piece"

# What a caller of each kind gets from the layer, by STREAMIFY_INVOKE_MODE (docs/reference/handlers.md).
_GETS = {
    "url, buffered": {BUFFERED: _COLLECTED, AUTO: "another form of answer than a BUFFERED URL expects"},
    "url, streaming": {
        BUFFERED: "JSON with statusCode, headers and body in it, status 200",
        AUTO: (
            "status, headers and body as the function returns them, and streams; until now a streaming URL shows "
            "all JSON"
        ),
    },
    "rest api": {BUFFERED: _COLLECTED, AUTO: f"{_JSON}; a stream reaches it only through an integration that streams"},
    "rest api, streaming": {BUFFERED: "JSON, which a streaming integration does not take", AUTO: "streams"},
    "http": {BUFFERED: _COLLECTED, AUTO: f"{_JSON}; a stream is collected, since it cannot stream"},
    "event": {BUFFERED: _JSON, AUTO: f"{_JSON}; from a stream, its bytes"},
}
# How a policy names those that it lets in, and what kind of caller each is.
_SERVICES = {
    "elasticloadbalancing.amazonaws.com": ("a load balancer", "http"),
    "vpc-lattice.amazonaws.com": ("VPC Lattice", "event"),
    "s3.amazonaws.com": ("S3", "event"),
    "sns.amazonaws.com": ("SNS", "event"),
    "events.amazonaws.com": ("EventBridge", "event"),
    "scheduler.amazonaws.com": ("EventBridge Scheduler", "event"),
    "logs.amazonaws.com": ("CloudWatch Logs", "event"),
    "cognito-idp.amazonaws.com": ("Cognito", "event"),
    "cloudfront.amazonaws.com": ("CloudFront", "event"),
    "apigateway.amazonaws.com": ("API Gateway", "rest api"),
}


@dataclass(frozen=True)
class Caller:
    """A caller, the part of the function that it reaches, and what it will get."""

    who: str
    where: str  # $LATEST or an alias
    gets: str


def callers(function: Function, via: str) -> list[Caller]:
    """Return those that are known to call the function. Others may, by the rights of their own identity."""
    mode = WAYS[via].latest
    return [
        Caller(who, qualifier, _GETS[kind][mode] if function.runs_latest(qualifier) and mode != UNCHANGED else _SAME)
        for who, qualifier, kind in _found(function)
    ]


def _found(function: Function) -> Iterator[tuple[str, str, str]]:
    for url in function.urls:
        kind = "url, streaming" if url.streams else "url, buffered"
        yield (
            f"the URL {url.address} ({'RESPONSE_STREAM' if url.streams else 'BUFFERED'}, {url.auth})",
            url.qualifier,
            kind,
        )
    for api in function.integrations:
        kind = "http" if api.kind == "HTTP" else "rest api, streaming" if api.streams else "rest api"
        yield f"the {api.kind} API {api.api}", api.qualifier, kind
    read_apis = {api.qualifier for api in function.integrations}
    for statement in function.statements:
        is_url = any(url.qualifier == statement.qualifier for url in function.urls) and statement.principal == "*"
        is_api = statement.principal == "apigateway.amazonaws.com" and statement.qualifier in read_apis
        if is_url or is_api:
            continue
        name, kind = _SERVICES.get(statement.principal, (f"the principal {statement.principal}", "event"))
        yield f"{name}{f' ({statement.source})' if statement.source else ''}", statement.qualifier, kind
    for source in function.event_sources:
        yield f"the event source {source.arn}", source.qualifier, "event"
    yield "SDKs, by Invoke", LATEST, "event"
