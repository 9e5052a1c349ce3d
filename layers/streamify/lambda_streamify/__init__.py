"""Response streaming for Python on AWS Lambda.

    from lambda_streamify import StreamingResponse, sse

What this package exports is loaded when it is first used, since a cold start is short.
"""

__version__ = "0.1.0"
__all__ = [
    "FunctionUrlEvent",
    "LambdaContext",
    "Request",
    "StreamingResponse",
    "coalesce",
    "deadline",
    "keepalive",
    "open_stream",
    "read_stream",
    "resumable",
    "streaming",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from . import agentcore as agentcore
    from . import asgi as asgi
    from . import client as client
    from . import errors as errors
    from . import ndjson as ndjson
    from . import observe as observe
    from . import resume as resume
    from . import sse as sse
    from . import testing as testing
    from . import wsgi as wsgi
    from ._bodies.coalesce import coalesce
    from ._bodies.deadline import deadline
    from ._bodies.keepalive import keepalive
    from ._response.inline import open_stream, streaming
    from ._response.response import StreamingResponse
    from ._resume.resumable import resumable
    from ._runtime.context import LambdaContext
    from ._web.function_url_event import FunctionUrlEvent
    from ._web.request import Request
    from .client import read_stream
del TYPE_CHECKING

_EXPORTS = {  # each export, and the module that holds it
    "FunctionUrlEvent": "_web.function_url_event",
    "LambdaContext": "_runtime.context",
    "Request": "_web.request",
    "StreamingResponse": "_response.response",
    "coalesce": "_bodies.coalesce",
    "deadline": "_bodies.deadline",
    "keepalive": "_bodies.keepalive",
    "open_stream": "_response.inline",
    "read_stream": "client",
    "resumable": "_resume.resumable",
    "streaming": "_response.inline",
}
_MODULES = ("agentcore", "asgi", "client", "errors", "ndjson", "observe", "resume", "sse", "testing", "wsgi")


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> "list[str]":
    return sorted([*_EXPORTS, *_MODULES, "__version__"])
