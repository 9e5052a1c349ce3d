"""The running invocation, and what the function's own modules ask of the runtime around it.

A context variable holds the invocation, so several may run at the same time. Code that outlives its invocation, such as
a task that nobody awaited, still finds that one, which is over, and never another one.
"""

from _contextvars import ContextVar  # `contextvars` itself only adds to the start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol

    class Running(Protocol):
        """What the rest of the package may ask of an invocation."""

        @property
        def request_id(self) -> str:
            """Lambda's id of the invocation."""

        @property
        def tenant_id(self) -> str | None:
            """The tenant that the invocation is for, where the function isolates tenants."""

        @property
        def event(self) -> object:
            """The event that the handler gets; None until it is read."""

        @property
        def context(self) -> Any:
            """The context object that the handler gets; None until the handler is called."""

        @property
        def observed(self) -> dict[object, Any]:
            """What observers remember of this invocation, each under a key of its own."""

        def deliver_now(self, result: Any) -> object:
            """Send `result` if it streams, before this returns; returns what is left for the handler to return."""

        async def deliver_now_async(self, result: Any) -> object:
            """`deliver_now` inside a running event loop."""

        def failed(self, error: BaseException) -> None:
            """Note that the handler raised `error`, before whatever is wrapped around the handler does."""

        def open_writer(self, response: Any) -> Any:
            """The ResponseWriter of `response`, a StreamingResponse whose body is ignored."""

    # Builds the object that a response is written to, in place of a plain ResponseStream. It is called with the
    # invocation, and behind that with the arguments of ResponseStream.
    StreamFactory = Callable[..., Any]

running: "ContextVar[Running | None]" = ContextVar("lambda_streamify.running", default=None)

# The invocation that began last. Threads have no context of the invocation that started them: their log lines carry
# the id of this one, as those of AWS's runtime do.
latest: "Running | None" = None

# Coroutine functions that run on the kept event loop: before the first invocation (under SnapStart after the snapshot
# is restored), and when Lambda ends the process.
startup: "list[Callable[[], Awaitable[None]]]" = []
shutdown: "list[Callable[[], Awaitable[None]]]" = []

# Called with the invocation when it has arrived, before its event is read. They do not raise.
before_handler: "list[Callable[[Running], object]]" = []

# Called with the invocation after the last chunk of its response and before the runtime asks for the next invocation,
# or the process ends with this one.
after_response: "list[Callable[[Running], object]]" = []

# How the streams of responses are made where an observer watches them.
stream_factory: "StreamFactory | None" = None


def invocation() -> "Running | None":
    """The invocation that the caller belongs to; in a thread of the function, the one that began last."""
    return running.get() or latest
