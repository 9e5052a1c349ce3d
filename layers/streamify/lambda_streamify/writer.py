"""A response that is written piece by piece, for code that calls back instead of yielding."""

from .errors import StreamStateError
from .response import as_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from asyncio import AbstractEventLoop
    from types import TracebackType
    from typing import Protocol

    from .response import Chunk, StreamingResponse

    class Sink(Protocol):
        """What a response is written to: `lock` is held for each call, `over` tells that no more is taken."""

        lock: LockType
        over: bool

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

    def __init__(self, sink: "Sink") -> None:
        self._sink = sink

    def begin(self, response: "StreamingResponse") -> None:
        """Take the invocation's answer: it is `response`, without its body."""
        with self._sink.lock:
            self._check()
            self._sink.begin(response)

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

        loop = get_running_loop()
        lock = self._sink.lock
        if not lock.acquire(blocking=False):
            await _acquire(loop, lock)
        try:
            self._check()
            await self._sink.push_async(loop, chunk, data)
        finally:
            lock.release()

    def flush(self) -> None:
        """Do nothing: each chunk is sent when it is written. Here for code that expects a file."""

    def close(self) -> None:
        """End the response: the reader sees its end while the handler goes on. Closing again does nothing."""
        with self._sink.lock:
            if not self._sink.over:
                self._sink.end()

    @property
    def closed(self) -> bool:
        """Whether the response has ended."""
        return self._sink.over

    def __enter__(self) -> "ResponseWriter":
        return self

    def __exit__(
        self, kind: "type[BaseException] | None", error: "BaseException | None", traceback: "TracebackType | None"
    ) -> None:
        if error is None:
            self.close()

    def _check(self) -> None:
        if self._sink.over:
            raise StreamStateError(
                "the response is over, nothing more can be written to it: open a stream in each invocation, and let"
                " what writes to it end before the handler returns"
            )


async def _acquire(loop: "AbstractEventLoop", lock: "LockType") -> None:
    """Take the lock without blocking the event loop; a thread or another task has it."""
    from asyncio import CancelledError, shield

    waiting = loop.run_in_executor(None, lock.acquire)
    try:
        await shield(waiting)
    except CancelledError:
        waiting.add_done_callback(lambda _: lock.release())  # taken for somebody who has gone
        raise
