"""Responses that go out while the handler call lasts."""

from . import current
from .errors import StreamStateError
from .iteration import in_event_loop
from .response import StreamingResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    from .writer import ResponseWriter


def streaming(handler: "Callable[..., Any]") -> "Callable[..., Any]":
    """Decorate a handler, innermost, so that what it returns is sent before the call returns.

    What is wrapped around it (metrics, tracing, log buffers) then ends when the stream ends. The call returns a dict
    with statusCode, headers and an empty body; whatever is made of that dict changes nothing any more. An error of
    the stream is sent as error trailers and then raised; a plain value is returned as it is. Over an `async def` it is
    a plain function too, but where an event loop already runs it returns an awaitable.

    Under another runtime, or called by a test, it returns the whole response as one proxy dict.
    """
    from functools import wraps

    @wraps(handler)
    def send(*args: "Any", **keywords: "Any") -> "Any":
        invocation = current.running.get()
        if invocation is None:
            from .outside import call

            return call(handler, args, keywords)
        try:
            result = handler(*args, **keywords)
        except BaseException as error:
            invocation.failed(error)
            raise
        return invocation.deliver_now_async(result) if in_event_loop() else invocation.deliver_now(result)

    return send


def open_stream(
    status_code: "int | str" = 200,
    headers: "Mapping[str, Any] | None" = None,
    cookies: "Iterable[str] | str | None" = None,
    content_type: "str | None" = None,
    *,
    eager: bool = False,
) -> "ResponseWriter":
    """A writer for the response of the running invocation, for code that calls back instead of yielding.

    The first chunk takes status and headers with it; with `eager` they leave now. What the handler returns is then left
    out, and its return ends the response. Threads and tasks may write, with the writer that the handler has opened.

    Raises StreamStateError where no invocation runs, ResponseError for a response that cannot be sent.
    """
    invocation = current.running.get()
    if invocation is None:
        raise StreamStateError(
            "no invocation runs here: call open_stream in the handler, and hand the writer on to threads; in a test,"
            " run the handler with lambda_streamify.testing.call"
        )
    return invocation.open_writer(StreamingResponse((), status_code, headers, cookies, content_type, eager=eager))
