"""A handler's response where no runtime of ours takes it: gathered, and handed out whole.

So a function whose layer was taken away still answers, and a unit test needs no server.
"""

from . import current
from .errors import ResponseError
from .iteration import InTask, Iteration, in_event_loop
from .proxy_response import proxy_dict
from .response import as_stream, is_async, keepable, summary
from .sources import header_style
from .write_lock import WriteLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import Any

    from .response import Chunk, StreamingResponse
    from .writer import ResponseWriter


class Gathering:
    """Stands where an invocation would, and a delivery: keeps the chunks of one response."""

    def __init__(self) -> None:
        self.lock = WriteLock()
        self.response: StreamingResponse | None = None
        self.chunks: list[str | bytes] = []
        self.over = False

    # --- as current.Running ------------------------------------------------------------------------------------------

    def deliver_now(self, result: "Any") -> object:
        """Gather `result` if it streams, and return what is left of it; a plain value comes back as it is."""
        if needs_event_loop(result):
            import asyncio

            return asyncio.run(self.deliver_now_async(result))
        response = as_stream(result)
        if response is None:
            return result
        with Iteration(response.body) as chunks:
            self.begin(response)
            self.chunks += map(keepable, chunks)
        return summary(response)

    async def deliver_now_async(self, result: "Any") -> object:
        """`deliver_now` inside of a running event loop."""
        if hasattr(result, "__await__"):
            result = await result
        response = as_stream(result)
        if response is None:
            return result
        async with Iteration(response.body if is_async(response.body) else InTask(response.body)) as chunks:
            self.begin(response)
            async for chunk in chunks:
                self.chunks.append(keepable(chunk))
        return summary(response)

    def failed(self, error: BaseException) -> None:
        """Drop a response of which nothing has left: there may be another in its place. The error is the caller's."""
        if not self.chunks and self.response is not None and not self.response.eager:
            self.response = None

    def open_writer(self, response: "StreamingResponse") -> "ResponseWriter":
        """A writer whose chunks are gathered."""
        from .writer import ResponseWriter

        writer = ResponseWriter(self, response)
        writer.begin()
        return writer

    # --- as Delivery, for the writer ---------------------------------------------------------------------------------

    def begin(self, response: "StreamingResponse") -> None:
        """Take the response, without its body."""
        if self.response is not None:
            raise ResponseError("there are two responses: the handler returned one that streams, and has written one")
        self.response = response

    def push(self, chunk: "Chunk", data: bytes) -> None:
        """Keep one chunk."""
        self.chunks.append(keepable(chunk))

    async def push_async(self, loop: "AbstractEventLoop", chunk: "Chunk", data: bytes) -> None:
        """Keep one chunk."""
        self.chunks.append(keepable(chunk))

    def end(self) -> None:
        """Take no more."""
        self.over = True


def needs_event_loop(result: "Any") -> bool:
    """Whether what a handler returned has to be awaited, or iterated in an event loop."""
    if hasattr(result, "__await__"):
        return True
    response = as_stream(result)
    return response is not None and is_async(response.body)


def call(handler: "Callable[..., Any]", arguments: "tuple[Any, ...]", keywords: "dict[str, Any]") -> "Any":
    """What `handler` returns, or its whole response as a proxy dict if it streams.

    Where an event loop runs already, and the handler needs one, an awaitable of it.
    """
    gathering = Gathering()
    values = (*arguments, *keywords.values())  # a method's first argument is no event
    style = header_style(next((value for value in values if isinstance(value, dict)), None))
    token = current.running.set(gathering)
    try:
        result = handler(*arguments, **keywords)
        if in_event_loop() and needs_event_loop(result):
            return _finished_async(gathering, result, style)
        return _finished(gathering, gathering.deliver_now(result), style)
    finally:
        current.running.reset(token)


async def _finished_async(gathering: Gathering, result: "Any", style: str) -> "Any":
    token = current.running.set(gathering)
    try:
        return _finished(gathering, await gathering.deliver_now_async(result), style)
    finally:
        current.running.reset(token)


def _finished(gathering: Gathering, result: object, style: str) -> object:
    gathering.over = True
    if gathering.response is None:
        return result
    return proxy_dict(gathering.response, gathering.chunks, style)
