"""Collects the response of a handler that does not run under this runtime, and returns it as a whole.

So a function still answers when its layer is removed, and a unit test needs no server.
"""

from .._core import current
from .._core.iteration import Iteration, for_each, in_event_loop, leave_out
from ..errors import BadRequest, ResponseError
from .proxy_response import proxy_dict
from .refusal import can_refuse, refusal
from .response import as_stream, is_async, keepable, summary
from .sources import header_style, source_of
from .write_lock import WriteLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import Any

    from .response import Chunk, StreamingResponse
    from .writer import ResponseWriter


class CollectingInvocation:
    """Takes the place of an invocation and its delivery, and keeps the chunks of one response."""

    request_id = ""
    tenant_id: "str | None" = None
    context: object = None

    def __init__(self, event: object = None) -> None:
        self.event = event
        self.observed: dict[object, Any] = {}
        self.lock = WriteLock()
        self.response: StreamingResponse | None = None
        self.chunks: list[str | bytes] = []
        self.is_over = False

    # --- as current.Running ------------------------------------------------------------------------------------------

    def deliver_now(self, result: "Any") -> object:
        """Collect `result` if it streams, and return its status and headers. A plain value is returned unchanged."""
        if needs_event_loop(result):
            import asyncio

            return asyncio.run(self.deliver_now_async(result))
        response = as_stream(result)
        if response is None:
            return result
        returned = self._collect(response)
        return summary(response) if returned is None else self.deliver_now(returned)

    async def deliver_now_async(self, result: "Any") -> object:
        """Do the same as `deliver_now`, in a running event loop."""
        if hasattr(result, "__await__"):
            result = await result
        response = as_stream(result)
        if response is None:
            return result
        if not is_async(response.body):
            returned = self._collect(response)
            return summary(response) if returned is None else await self.deliver_now_async(returned)
        async with Iteration(response.body) as chunks:
            self.begin(response)
            async for chunk in chunks:
                self.chunks.append(keepable(chunk))
        return summary(response)

    def _collect(self, response: "StreamingResponse") -> object:
        """Collect the body. Returns the value that replaces the response because its generator returned it, or None."""
        with Iteration(response.body) as chunks:
            self.begin(response)
            returned = for_each(map(keepable, chunks), self.chunks.append)
        if returned is None:
            return None
        if response.is_bare and not self.chunks:
            self.response = None
            return returned
        from logging import getLogger

        leave_out(returned, getLogger(__name__).warning)
        return None

    def failed(self, error: BaseException) -> None:
        """Discard a response without chunks, since another may replace it. The caller handles the error."""
        if not self.chunks and self.response is not None and not self.response.eager:
            self.response = None

    def open_writer(self, response: "StreamingResponse") -> "ResponseWriter":
        """Return a writer whose chunks are collected."""
        from .writer import ResponseWriter

        writer = ResponseWriter(self, response)
        writer.begin()
        return writer

    # --- as Delivery, for the writer ---------------------------------------------------------------------------------

    def begin(self, response: "StreamingResponse") -> None:
        """Accept the response without its body."""
        if self.response is not None:
            raise ResponseError(
                "there are two responses: the handler returned one that streams, but has also written one; return None"
                " from a handler that uses open_stream"
            )
        self.response = response

    def push(self, chunk: "Chunk", data: bytes) -> None:
        """Keep one chunk."""
        self.chunks.append(keepable(chunk))

    async def push_async(self, loop: "AbstractEventLoop", chunk: "Chunk", data: bytes) -> None:
        """Keep one chunk."""
        self.chunks.append(keepable(chunk))

    def push_nowait(self, response: "StreamingResponse", data: bytes) -> None:
        """Accept nothing: `push` keeps chunks of text as text."""

    push_nowait_in_task = push_nowait

    def end(self) -> None:
        """End the response."""
        self.is_over = True

    async def end_async(self, loop: "AbstractEventLoop") -> None:
        """End the response."""
        self.is_over = True


def needs_event_loop(result: "Any") -> bool:
    """Return whether a handler's `result` must be awaited, or iterated in an event loop."""
    if hasattr(result, "__await__"):
        return True
    response = as_stream(result)
    return response is not None and is_async(response.body)


def call(handler: "Callable[..., Any]", arguments: "tuple[Any, ...]", keywords: "dict[str, Any]") -> "Any":
    """Call `handler`, and return its result, or its whole response as a proxy dict if it streams.

    If the handler needs an event loop and one already runs, return an awaitable of that.
    """
    values = (*arguments, *keywords.values())  # the event is the first dict: a method's first argument is `self`
    event = next((value for value in values if isinstance(value, dict)), None)
    invocation = CollectingInvocation(event)
    token = current.running.set(invocation)
    try:
        result = handler(*arguments, **keywords)
        if in_event_loop() and needs_event_loop(result):
            return _finished_async(invocation, result, event)
        return _finished(invocation, invocation.deliver_now(result), event)
    except BadRequest as error:
        return refused(invocation, error, event)
    finally:
        current.running.reset(token)


async def _finished_async(invocation: CollectingInvocation, result: "Any", event: object) -> "Any":
    token = current.running.set(invocation)
    try:
        return _finished(invocation, await invocation.deliver_now_async(result), event)
    except BadRequest as error:
        return refused(invocation, error, event)
    finally:
        current.running.reset(token)


def _finished(invocation: CollectingInvocation, result: object, event: object) -> object:
    invocation.is_over = True
    if invocation.response is None:
        return result
    return proxy_dict(invocation.response, invocation.chunks, header_style(event))


def refused(invocation: CollectingInvocation, error: BadRequest, event: object) -> "dict[str, Any]":
    """Return the proxy dict that reports `error` to the client. Raises `error` if a stream would have begun before."""
    started = invocation.chunks or (invocation.response is not None and invocation.response.eager)
    if started or not can_refuse(source_of(event)):
        raise error
    from logging import getLogger

    invocation.response = None
    return refusal(error, header_style(event), getLogger(__name__).warning)
