"""The path of Lambda's API that an integration calls, which has to fit its transfer mode.

Source: Amazon API Gateway Developer Guide, "Set up a Lambda proxy integration with payload response streaming": a
stream needs 2021-11-15/functions/.../response-streaming-invocations. SAM writes the path of an event itself.
"""

import re
from collections.abc import Iterator
from typing import Any

from .finding import ERROR, Finding, Rule
from .project import Project
from .routes import Route
from .values import is_unresolved

INVOKE_PATH = Rule(
    "invoke-path",
    ERROR,
    "The `uri` of an integration calls a function for a stream, and the integration does not stream, or the reverse.",
)
RULES = (INVOKE_PATH,)

_STREAMING = ("2021-11-15", "response-streaming-invocations")
_BUFFERED = ("2015-03-31", "invocations")
_PATH = re.compile(r"lambda:path/(?P<date>[0-9-]+)/functions/.*/(?P<call>(?:response-streaming-)?invocations)$")


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for route in project.routes:
        if route.form.uri_key is not None and not is_unresolved(route.mode):
            yield from _path(route, route.form.uri_key)


def _path(route: Route, key: str) -> Iterator[Finding]:
    match = _PATH.search(_text(route.properties.get(key)))
    right = _STREAMING if route.streams else _BUFFERED
    # A buffered integration may have a newer date: only the call decides.
    if match is None or (match["call"] == right[1] and (not route.streams or match["date"] == right[0])):
        return
    kind = "streams" if route.streams else "does not stream"
    yield INVOKE_PATH.found(
        route.place(key),
        route.owner,
        f"{route.label}: it {kind}, and its {key} calls {match['date']}/functions/.../{match['call']}",
        f"{key}: .../{right[0]}/functions/.../{right[1]}"
        + ("" if route.streams else f", or {route.form.mode_key}: {route.form.streaming}"),
    )


def _text(value: Any) -> str:
    """The text in a URI, without the parts that intrinsic functions bring into it."""
    if isinstance(value, list):
        return "".join(map(_text, value))
    if not isinstance(value, dict):
        return str(value)
    if "Fn::Sub" in value:
        template = value["Fn::Sub"]
        return _text(template[:1] if isinstance(template, list) else template)
    return _text(value.get("Fn::Join", ""))
