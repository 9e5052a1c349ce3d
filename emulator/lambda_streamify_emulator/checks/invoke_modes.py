"""Whether the URL, the layer's setting and the network agree on streaming."""

from collections.abc import Iterator

from ..template.urls import BUFFERED
from .finding import ERROR, WARNING, Finding, Rule
from .functions import MODE, OUR_WRAPPER
from .project import Project
from .values import mapping_or_empty

BUFFERED_SETTING = Rule(
    "buffered-setting",
    ERROR,
    "The URL streams, and `STREAMIFY_INVOKE_MODE=buffered` makes the layer answer as for a URL that does not.",
)
STREAMING_SETTING = Rule(
    "buffered-url",
    ERROR,
    "The URL is `BUFFERED`, which is the default, and the layer answers as for a URL that streams.",
)
URL_IN_VPC = Rule("url-in-vpc", WARNING, "The URL streams, and the function is in a VPC, where URLs do not stream.")
RULES = (BUFFERED_SETTING, STREAMING_SETTING, URL_IN_VPC)


def check(project: Project) -> Iterator[Finding]:
    """The findings of this subject."""
    for function in project.functions.values():
        if function.is_disabled:
            continue
        setting = function.variables.get(MODE)
        uses_layer = function.is_python and function.has_our_layer and function.wrapper == OUR_WRAPPER
        for url in function.urls:
            place = project.place(url.resource, *url.keys, "InvokeMode")
            if url.streams and function.is_python and setting == "buffered":
                yield BUFFERED_SETTING.found(
                    project.place(function.id, "Environment", "Variables", MODE),
                    function.id,
                    f"{MODE} is buffered, and the URL's InvokeMode is RESPONSE_STREAM: clients get the JSON of the "
                    "whole response as the body, with status 200",
                    f"leave {MODE} out, or InvokeMode: BUFFERED",
                )
            if url.invoke_mode == BUFFERED and uses_layer and setting in (None, "", "auto", "response_stream"):
                given = "is BUFFERED" if "InvokeMode" in url.properties else "is not set"
                yield STREAMING_SETTING.found(
                    place,
                    function.id,
                    f"the URL's InvokeMode {given}, so it does not stream, and the layer assumes that it does: "
                    f"{MODE} is {setting or 'not set'}",
                    f"InvokeMode: RESPONSE_STREAM, or {MODE}: buffered",
                )
            if url.streams and mapping_or_empty(function.properties.get("VpcConfig")):
                yield URL_IN_VPC.found(
                    place,
                    function.id,
                    "the URL's InvokeMode is RESPONSE_STREAM, and the function has a VpcConfig: AWS says that "
                    "function URLs do not stream from a VPC",
                    "no VpcConfig, or an event of type Api with ResponseTransferMode: RESPONSE_STREAM for the URL",
                )
