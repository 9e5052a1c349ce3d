"""Response streaming for Python on AWS Lambda."""

__version__ = "0.1.0"
__all__ = ["StreamingResponse", "coalesce", "deadline", "keepalive", "open_stream", "read_stream", "streaming"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .buffering import coalesce
    from .deadlines import deadline
    from .heartbeat import keepalive
    from .inline import open_stream, streaming
    from .reading import read_stream
    from .response import StreamingResponse

# What this package exports, and the module that holds it: loaded when it is first used, since a cold start is short.
_EXPORTS = {
    "StreamingResponse": "response",
    "coalesce": "buffering",
    "deadline": "deadlines",
    "keepalive": "heartbeat",
    "open_stream": "inline",
    "read_stream": "reading",
    "streaming": "inline",
}


def __getattr__(name: str) -> object:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)


def __dir__() -> "list[str]":
    return sorted([*globals(), *_EXPORTS])
