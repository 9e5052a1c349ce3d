"""A handler's response where no runtime of ours takes it: gathered, and handed out whole.

So a function whose layer was taken away still answers, and a unit test needs no server.
"""

from . import current, sources
from .errors import ResponseError
from .iteration import InTask, Iteration, in_event_loop
from .response import as_stream, is_async, keepable, proxy_dict
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
        """Gather `result` if it streams; a plain value comes back as it is."""
        response = as_stream(result)
        if hasattr(result, "__await__") or (response is not None and is_async(response.body)):
            import asyncio

            return asyncio.run(self.deliver_now_async(result))
        if response is not None:
            self.begin(response)
            with Iteration(response.body) as chunks:
                self.chunks += map(keepable, chunks)
        return result

    async def deliver_now_async(self, result: "Any") -> object:
        """`deliver_now` inside of a running event loop."""
        if hasattr(result, "__await__"):
            result = await result
        response = as_stream(result)
        if response is not None:
            self.begin(response)
            async with Iteration(response.body if is_async(response.body) else InTask(response.body)) as chunks:
                self.chunks += [keepable(chunk) async for chunk in chunks]
        return result

    def failed(self, error: BaseException) -> None:
        """Do nothing: the error is the caller's."""

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


def call(handler: "Callable[..., Any]", arguments: "tuple[Any, ...]", keywords: "dict[str, Any]") -> "Any":
    """What `handler` returns, or its whole response as a proxy dict if it streams.

    Where an event loop runs already, and the handler needs one, an awaitable of it.
    """
    gathering = Gathering()
    token = current.running.set(gathering)
    try:
        result = handler(*arguments, **keywords)
        if hasattr(result, "__await__") and in_event_loop():
            return _finished_async(gathering, result, arguments)
        return _finished(gathering, gathering.deliver_now(result), arguments)
    finally:
        current.running.reset(token)


async def _finished_async(gathering: Gathering, result: "Any", arguments: "tuple[Any, ...]") -> "Any":
    token = current.running.set(gathering)
    try:
        return _finished(gathering, await gathering.deliver_now_async(result), arguments)
    finally:
        current.running.reset(token)


def _finished(gathering: Gathering, result: object, arguments: "tuple[Any, ...]") -> object:
    gathering.over = True
    if gathering.response is None:
        return result
    source = sources.source_of(arguments[0] if arguments else None)
    repeats = source in (sources.REST_API, sources.LOAD_BALANCER)
    return proxy_dict(gathering.response, gathering.chunks, repeats=repeats)
