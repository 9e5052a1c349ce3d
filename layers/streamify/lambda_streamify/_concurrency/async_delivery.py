"""The delivery of a response in an event loop that other invocations share: nothing here blocks it.

Where a method of Delivery would wait for the Runtime API, it only prepares what to send, and `settle` sends it.
"""

from asyncio import get_running_loop, shield, wait

from .._core.iteration import in_event_loop
from .._runtime.delivery import Delivery
from .._wire import framing
from ..errors import RuntimeApiError, StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop, Task
    from collections.abc import Mapping
    from typing import Any

    from .._core import current
    from .._response.response import Chunk, StreamingResponse
    from .._runtime.context import InvocationRequest
    from .._runtime.logs import Logs
    from .async_api import AsyncRuntimeApi


class AsyncDelivery(Delivery):
    """A Delivery whose invocation runs in the event loop of all invocations.

    `fail_async` and `close_async` take the places of `fail` and `close`. The end of a response continues if the task
    that began it is cancelled.
    """

    def __init__(
        self, api: "AsyncRuntimeApi", request: "InvocationRequest", logs: "Logs", invocation: "current.Running"
    ) -> None:
        super().__init__(api, request, logs, invocation)
        self._async_api = api
        self._loop = get_running_loop()
        self._trailers: bytes | None = None  # prepared
        self._ending: Task[None] | None = None  # ends the response

    def push(self, chunk: "Chunk", data: bytes) -> None:
        """Do the same as in other threads. Raises StreamStateError in the event loop, which it could block."""
        is_incomplete = self._stream is not None and self._stream.record[0]
        if (data or is_incomplete) and not self.collects and self._runs_here():
            raise StreamStateError(
                "this process runs several invocations in one event loop, and a plain write would hold them all while"
                " the reader is slow: use `await writer.awrite(...)`, or an asynchronous body"
            )
        super().push(chunk, data)

    def push_nowait(self, response: "StreamingResponse", data: bytes) -> "bool | None":
        """Leave all chunks to `push` in the event loop, even those that the socket takes: a later one would fail."""
        return None if self._runs_here() else super().push_nowait(response, data)

    def end(self) -> None:
        """End the response. In the event loop it only begins the end."""
        if self._runs_here():
            self._begin_end()
        else:
            super().end()

    async def end_async(self, loop: "AbstractEventLoop") -> None:
        """End the response. A cancellation ends the wait, but not the end."""
        if loop is self._loop:
            await shield(self._begin_end())
        else:
            await super().end_async(loop)

    async def fail_async(self, error: BaseException) -> None:
        """Do the same as `fail`, for coroutines."""
        self.lock.reclaim()
        async with self.lock:
            await self._wait_for_end()
            self._fail(error)
        await self.settle()

    async def close_async(self) -> None:
        """Send what is left to send, and refuse further writes."""
        self.lock.reclaim()
        async with self.lock:
            self.is_over = True
            self._invocation = None
        await self.settle()

    async def settle(self) -> None:
        """Wait until the response has ended, if its end has begun, and send what is prepared."""
        await self._wait_for_end()
        if self._trailers is not None or self._async_api.has_prepared:
            self._ending = self._loop.create_task(self._send_prepared())
            await self._wait_for_end()

    def _send_error(self, error: BaseException, report: "Mapping[str, Any]") -> None:
        """Prepare what reports the error."""
        stream = self._stream
        if self._ending is not None and not self._ending.done():
            return  # the response was complete before the error
        if stream is not None and stream.state == "open" and stream.failure is None:
            self.is_over = True
            self._trailers = framing.error_trailers(report)
        else:
            super()._send_error(error, report)

    def _begin_end(self) -> "Task[None]":
        self.is_over = True
        self._ending = self._loop.create_task(self._end())
        return self._ending

    async def _end(self) -> None:
        await super().end_async(self._loop)
        await self._async_api.send_prepared(self._loop)

    async def _send_prepared(self) -> None:
        trailers, self._trailers = self._trailers, None
        if trailers is not None and self._stream is not None:
            await self._stream.end_async(self._loop, trailers)
        else:
            await self._async_api.send_prepared(self._loop)

    async def _wait_for_end(self) -> None:
        """Wait for the end of the response, if it has begun. What went wrong with it is this delivery's failure."""
        ending = self._ending
        if ending is None:
            return
        await wait((ending,))
        self._ending = None
        error = ending.exception()
        if isinstance(error, RuntimeApiError):
            self._failure = error
        elif error is not None:
            self._fail(error)

    def _runs_here(self) -> bool:
        return in_event_loop() and get_running_loop() is self._loop
