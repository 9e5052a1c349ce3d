"""Responses that go out while the handler call lasts."""

from .._core import current
from .._core.iteration import in_event_loop
from ..errors import StreamStateError
from .response import StreamingResponse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, ParamSpec

    from .writer import ResponseWriter

    P = ParamSpec("P")


def streaming(handler: "Callable[P, Any]") -> "Callable[P, Any]":
    """Decorate a handler so that its response is sent before the call returns.

        @metrics.log_metrics
        @streaming
        def handler(event, context):
            yield "Once "

    It is the innermost decorator. The decorators around it (metrics, tracing, log buffers) then end when the stream
    ends. The decorated handler takes the arguments of the handler and returns a dict with statusCode, headers and an
    empty body; changes to that dict have no effect. It returns a plain value unchanged. It sends an error of the
    stream as error trailers, then raises it. Around an `async def` it is a plain function too; inside a running event
    loop it returns an awaitable.

    Under another runtime, or in a test, it returns the whole response as one proxy dict.
    """
    from functools import wraps

    @wraps(handler)
    def send(*args: "P.args", **keywords: "P.kwargs") -> "Any":
        invocation = current.running.get()
        if invocation is None:
            from .collecting import call

            return call(handler, args, keywords)
        try:
            result = handler(*args, **keywords)
        except BaseException as error:
            invocation.failed(error)
            raise
        return invocation.deliver_now_async(result) if in_event_loop() else invocation.deliver_now(result)

    return send


def open_stream(
    status_code: int = 200,
    headers: "Mapping[str, str | float | bool] | None" = None,
    cookies: "Iterable[str] | str | None" = None,
    content_type: "str | None" = None,
    *,
    eager: bool = False,
) -> "ResponseWriter":
    """A writer for the response of the running invocation, for code that calls back instead of yielding.

        out = open_stream(content_type="text/plain")
        client.generate(prompt, on_token=out.write)

    The arguments are those of StreamingResponse. Status and headers leave with the first chunk; with `eager` they leave
    now. The handler's return ends the response, and its value is not sent. Threads and tasks of the handler may use the
    writer too.

    Raises StreamStateError where no invocation runs, ResponseError for a response that cannot be sent.
    """
    invocation = current.running.get()
    if invocation is None:
        raise StreamStateError(
            "no invocation runs here: call open_stream in the handler, and pass the writer to threads; in a test,"
            " run the handler with lambda_streamify.testing.call"
        )
    response = StreamingResponse((), status_code, headers, cookies, content_type, eager=eager)
    writer: ResponseWriter = invocation.open_writer(response)
    return writer
