"""The running invocation, and what the function's own modules ask of the runtime around it.

A context variable holds the invocation, so that what outlives its invocation, such as a task that nobody awaited, still
finds that one, which is over, and never the next.
"""

from _contextvars import ContextVar  # contextvars itself adds nothing but time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol

    from .response import StreamingResponse
    from .response_stream import ResponseStream
    from .writer import ResponseWriter

    class Running(Protocol):
        """What helpers may ask of an invocation."""

        def deliver_now(self, result: "Any") -> object:
            """Send `result` if it streams, before this returns; returns what is left for the handler to return."""

        async def deliver_now_async(self, result: "Any") -> object:
            """`deliver_now` inside of a running event loop."""

        def failed(self, error: BaseException) -> None:
            """Take note that the handler raised `error`, before whatever is wrapped around it does."""

        def open_writer(self, response: StreamingResponse) -> ResponseWriter:
            """A writer that `response` is written with; its body is not looked at."""

    # Builds what a response is written to, in the place of ResponseStream itself; called with its arguments.
    StreamFactory = Callable[..., ResponseStream]

running: "ContextVar[Running | None]" = ContextVar("lambda_streamify.running", default=None)

# Coroutine functions that run on the kept event loop: before the first invocation (under SnapStart once the snapshot is
# restored), and when Lambda ends the process.
startup: "list[Callable[[], Awaitable[None]]]" = []
shutdown: "list[Callable[[], Awaitable[None]]]" = []

# Called with the request id when an invocation was handed out, before its event is read. They do not raise.
before_handler: "list[Callable[[str], None]]" = []

# Called with no arguments after the response's last chunk and before the next invocation is asked for, or the process
# ends with this one.
after_response: "list[Callable[[], None]]" = []

# What a response is written to, where somebody watches it.
stream_factory: "StreamFactory | None" = None
