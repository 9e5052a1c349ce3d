"""The writer of a response, for code that calls `write` instead of yielding chunks."""

from .._core.iteration import as_bytes
from ..errors import StreamStateError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from types import TracebackType
    from typing import Protocol

    from .response import Chunk, StreamingResponse
    from .write_lock import WriteLock

    class Sink(Protocol):
        """The destination of a writer. Callers hold `lock` during each call. `is_over` says that it takes no more."""

        lock: WriteLock
        is_over: bool
        response: StreamingResponse | None

        def begin(self, response: StreamingResponse) -> None:
            """Accept status and headers."""

        def push(self, chunk: Chunk, data: bytes) -> None:
            """Accept one chunk, whose bytes are `data`."""

        async def push_async(self, loop: AbstractEventLoop, chunk: Chunk, data: bytes) -> None:
            """Do the same as `push`, for coroutines."""

        def push_nowait(self, response: StreamingResponse, data: bytes) -> bool | None:
            """Accept one chunk of `response` without waiting. Returns whether the whole chunk is sent.

            If not, `push` of an empty chunk sends the rest. Returns None if the chunk itself needs `push`.
            """

        def push_nowait_in_task(self, response: StreamingResponse, data: bytes) -> bool | None:
            """Do the same as `push_nowait`, for coroutines."""

        def end(self) -> None:
            """End the response."""

        async def end_async(self, loop: AbstractEventLoop) -> None:
            """Do the same as `end`, for coroutines."""


class ResponseWriter:
    """Writes one response; `open_stream` returns it. Any thread may write. Chunks are sent whole, one at a time.

    Status and headers are sent with the first chunk. The response ends with `close` or with the invocation. Writing
    later raises StreamStateError, even if the process already runs another invocation. As a context manager it closes
    the response unless the block raises: the runtime then reports the error to the caller.

        with open_stream(content_type="text/plain") as writer:
            writer.write("one")
            writer.write(b"two")
    """

    def __init__(self, sink: "Sink", response: "StreamingResponse") -> None:
        self._sink = sink
        self._response = response

    def begin(self) -> None:
        """Make this response the answer of the invocation. Nothing of its body is written yet."""
        with self._sink.lock:
            if self._sink.is_over:
                raise _over_error()
            self._sink.begin(self._response)

    def write(self, chunk: "Chunk") -> None:
        """Send one chunk, str or bytes-like, at once. Blocks while the client reads slowly.

        An empty first chunk sends status and headers only. Raises ChunkTypeError for a chunk of another type,
        StreamStateError after the end of the response, RuntimeApiError if Lambda takes no more of it.
        """
        data = chunk if type(chunk) is bytes else as_bytes(chunk)
        sink = self._sink
        is_sent = sink.lock.call_nowait(sink.push_nowait, self._response, data)
        if is_sent:  # nearly always
            return
        with sink.lock:
            if is_sent is None:
                self._check()
                sink.push(chunk, data)
            else:
                sink.push("", b"")

    async def awrite(self, chunk: "Chunk") -> None:
        """Do the same as `write`, for coroutines: other tasks run while the client reads slowly.

        If no other write is in progress, the chunk is sent, as far as the socket takes it, before this first suspends.
        """
        data = chunk if type(chunk) is bytes else as_bytes(chunk)
        sink = self._sink
        is_sent = sink.lock.call_nowait(sink.push_nowait_in_task, self._response, data)
        if is_sent:
            return
        from asyncio import get_running_loop

        async with sink.lock:
            if is_sent is None:
                self._check()
                await sink.push_async(get_running_loop(), chunk, data)
            else:
                await sink.push_async(get_running_loop(), "", b"")

    def flush(self) -> None:
        """Do nothing, since each chunk is sent when it is written. This method serves code that expects a file."""

    def close(self) -> None:
        """End the response. The client sees the end while the handler continues. A second call does nothing."""
        with self._sink.lock:
            if not self.closed:
                self._sink.end()

    async def aclose(self) -> None:
        """Do the same as `close`, for coroutines: other tasks run until Lambda has taken the whole response."""
        from asyncio import get_running_loop

        async with self._sink.lock:
            if not self.closed:
                await self._sink.end_async(get_running_loop())

    @property
    def closed(self) -> bool:
        """Whether the response has ended."""
        # A discarded response may have been replaced by another one.
        return self._sink.is_over or self._sink.response is not self._response

    def __enter__(self) -> "ResponseWriter":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", traceback: "TracebackType | None"
    ) -> None:
        if error is None:
            self.close()

    def _check(self) -> None:
        if self.closed:
            raise _over_error()


def _over_error() -> StreamStateError:
    return StreamStateError(
        "the response is over, so nothing more can be written to it: open a stream in each invocation, and end the"
        " threads and tasks that write to it before the handler returns"
    )
