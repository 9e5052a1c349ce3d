"""The response to a request that the function cannot read: status 400, if nothing has been sent yet."""

from . import sources
from .proxy_response import proxy_dict
from .response import StreamingResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..errors import BadRequest

_CONTENT_TYPE = "text/plain; charset=utf-8"


def can_refuse(source: sources.Source) -> bool:
    """Return whether this kind of caller understands an HTTP status."""
    return source.is_http and source is not sources.WEBSOCKET


def refusal(error: "BadRequest", header_style: str, warn: "Callable[[str], object]") -> "dict[str, Any]":
    """Return the proxy dict that reports `error` to the client, with headers in `header_style`, and log a warning."""
    warn(f"the request is answered with status 400: {error}")
    text = f"{error}\n".encode("utf-8", "replace").decode()
    return proxy_dict(StreamingResponse(text, 400, content_type=_CONTENT_TYPE), [text], header_style)
