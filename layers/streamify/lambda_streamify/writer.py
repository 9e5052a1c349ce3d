"""A response that is written piece by piece, for code that calls back instead of yielding."""

from .errors import StreamStateError
from .response import as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from types import TracebackType
    from typing import Protocol

    from .response import Chunk, StreamingResponse
    from .write_lock import WriteLock

    class Sink(Protocol):
        """What a response is written to: `lock` is held for each call, `over` tells that no more is taken."""

        lock: WriteLock
        over: bool
        response: StreamingResponse | None

        def begin(self, response: StreamingResponse) -> None:
            """Take status and headers."""

        def push(self, chunk: Chunk, data: bytes) -> None:
            """Take one chunk, whose bytes are `data`."""

        async def push_async(self, loop: AbstractEventLoop, chunk: Chunk, data: bytes) -> None:
            """`push` for coroutines."""

        def end(self) -> None:
            """Take no more."""


class ResponseWriter:
    """Writes one response. Any thread may write; whole chunks go out, one after the other.

    The first chunk takes status and headers with it. `close`, or the end of the invocation, ends the response; from
    then on writing is a StreamStateError, also when the process already runs another invocation. As a context manager
    it closes the response unless the block raises: the error is then the runtime's to tell.
    """

    def __init__(self, sink: "Sink", response: "StreamingResponse") -> None:
        self._sink = sink
        self._response = response

    def begin(self) -> None:
        """Take the invocation's answer: it is the response, without its body."""
        with self._sink.lock:
            if self._sink.over:
                raise _over()
            self._sink.begin(self._response)

    def write(self, chunk: "Chunk") -> None:
        """Send one chunk, str or bytes-like, at once; wait while the reader is slow. An empty one sends the headers."""
        data = as_bytes(chunk)
        with self._sink.lock:
            self._check()
            self._sink.push(chunk, data)

    async def awrite(self, chunk: "Chunk") -> None:
        """`write` for coroutines: other tasks run while the reader is slow. It is sent before this first suspends."""
        data = as_bytes(chunk)
        from asyncio import get_running_loop

        async with self._sink.lock:
            self._check()
            await self._sink.push_async(get_running_loop(), chunk, data)

    def flush(self) -> None:
        """Do nothing: each chunk is sent when it is written. Here for code that expects a file."""

    def close(self) -> None:
        """End the response: the reader sees its end while the handler goes on. Closing again does nothing."""
        with self._sink.lock:
            if not self.closed:
                self._sink.end()

    @property
    def closed(self) -> bool:
        """Whether the response has ended."""
        return self._sink.over or self._sink.response is not self._response  # dropped, and another in its place

    def __enter__(self) -> "ResponseWriter":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", traceback: "TracebackType | None"
    ) -> None:
        if error is None:
            self.close()

    def _check(self) -> None:
        if self.closed:
            raise _over()


def _over() -> StreamStateError:
    return StreamStateError(
        "the response is over, nothing more can be written to it: open a stream in each invocation, and let what writes"
        " to it end before the handler returns"
    )
