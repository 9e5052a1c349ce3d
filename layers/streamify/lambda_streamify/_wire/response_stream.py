"""Streamed responses: send each chunk to the Runtime API when it is written.

A small chunk takes one system call. No chunk waits to be joined with the next one: every way to do so adds latency
(measured), and the kernel joins the chunks that a busy reader has not fetched.
"""

from itertools import repeat

from .._core.iteration import as_bytes
from ..errors import ConnectionLost, RuntimeApiError
from . import framing
from .framing import COPY_LIMIT_BYTES, SMALL_CHUNK
from .outgoing import MSG_DONTWAIT, Outgoing, ready

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from typing import NoReturn

    from .outgoing import Buffer

    Chunk = str | bytes | bytearray | memoryview


class ResponseStream(Outgoing):
    """One streamed response, written while the handler runs.

    Call `open`, then `write` any number of times, then `end`; `framing.TRANSITIONS` defines the order. Coroutines use
    `open_async`, `write_nowait` with `drain`, and `end_async`, which do not block the event loop. The methods raise
    RequestRefused if the Runtime API refuses the response, and ConnectionLost if the connection ends.

    `read_answer` reads the Runtime API's answer and raises unless it is the expected one. With MSG_DONTWAIT, it reads
    the bytes available and returns whether the answer is complete. `state` is one of `framing.TRANSITIONS`.

    A signal handler of the function may raise in any of these methods. The rest of a chunk that is partly sent then
    precedes the next bytes sent, at the latest those of `end`. An `end` that has begun is completed first.
    """

    def __init__(self, connection: "socket", head: bytes, read_answer: "Callable[..., bool]") -> None:
        super().__init__(connection)
        self.may_answer_early = True
        # Each item is one send of `_frame`, and the number of bytes sent. A new iterator per send would cost 0.4 us.
        self._frame = [b""]
        self._sent = map(connection.send, map(self._frame.__getitem__, repeat(0)), repeat(MSG_DONTWAIT))
        self._head = head
        self._read_answer = read_answer
        self.failure: RuntimeApiError | None = None  # why the Runtime API takes no more

    def open(self, start: bytes = b"", first: bytes = b"") -> None:
        """Send the head, `start` (the prelude) and the first chunk together. Both arguments may be empty."""
        self._begin_with(self._opening(start, first))
        self.flush()

    async def open_async(self, loop: "AbstractEventLoop", start: bytes = b"", first: bytes = b"") -> None:
        """Do the same as `open`, for coroutines."""
        self._begin_with(self._opening(start, first))
        await self.drain(loop)

    def write(self, chunk: "Chunk") -> None:
        """Send one chunk. Blocks while the client reads slowly."""
        if not self.write_nowait(chunk):
            self.flush()

    def write_nowait(self, chunk: "Chunk") -> bool:
        """Send the part of a chunk that fits into the socket now. If it returns False, call `flush` or `drain`.

        An empty chunk sends nothing. No Python function is called for the common chunks.
        """
        if self.state != "open":
            framing.advance(self.state, "chunk")
        data = chunk if type(chunk) is bytes else chunk.encode() if type(chunk) is str else as_bytes(chunk)
        size = len(data)
        if not size:
            return True
        record = self.record
        if size > COPY_LIMIT_BYTES:
            record[0], record[1] = framing.large_chunk(data), 0
            return self.send_now()
        self._frame[0] = frame = SMALL_CHUNK % (size, data)
        record[0], record[1] = (frame,), 0
        try:
            for record[1] in self._sent:  # one send; `outgoing` says why the result must not come from a call
                if record[1] == len(frame):
                    record[0] = ()  # the whole frame is sent
                    return True
                break
        except OSError as error:
            self.check(error)
        return False

    def end(self, trailers: "bytes | None" = None) -> None:
        """Send the last chunk, with error trailers if given, and read the answer.

        If a signal handler raises before the last chunk is sent, its error is raised after the answer is read.
        """
        end_state = framing.advance(self.state, "trailers" if trailers else "end")
        interruption = self.complete(trailers or framing.LAST_CHUNK)
        self._read_answer()
        self.state = end_state
        if interruption is not None:
            raise interruption

    async def end_async(self, loop: "AbstractEventLoop", trailers: "bytes | None" = None) -> None:
        """Do the same as `end`, for coroutines. If it is cancelled, it blocks the event loop to end the response."""
        end_state = framing.advance(self.state, "trailers" if trailers else "end")
        buffers = (*self.unsent(), trailers or framing.LAST_CHUNK)
        # As in `complete`: no call between these two statements and `try`.
        self.record[0], self.record[1] = buffers, 0
        self.state = "failed"
        try:
            await self.drain(loop)
            while not self._read_answer(MSG_DONTWAIT):
                await ready(loop, self._socket, send=False, listen=True)
        except RuntimeApiError:
            raise
        except BaseException as interruption:
            self.complete()
            try:
                self._read_answer()
            except ConnectionLost:  # the signal handler raised while the answer was read
                raise interruption from None
            self.state = end_state
            raise
        self._read_answer()
        self.state = end_state

    def read_early_answer(self) -> None:
        """Read what has arrived of the Runtime API's answer before the response ends."""
        try:
            self.may_answer_early = not self._read_answer(MSG_DONTWAIT)
        except RuntimeApiError as failure:
            self.state, self.failure = "failed", failure
            raise

    def _opening(self, start: bytes, first: bytes) -> "tuple[Buffer, ...]":
        if self.state != "pending":
            framing.advance(self.state, "head")
        opening = self._head + SMALL_CHUNK % (len(start), start) if start else self._head
        if len(first) > COPY_LIMIT_BYTES:
            return (opening, *framing.large_chunk(first))
        return (opening + SMALL_CHUNK % (len(first), first) if first else opening,)

    def _begin_with(self, opening: "tuple[Buffer, ...]") -> None:
        self.record[:] = opening, 0
        self.state = "open"

    def raise_send_error(self, cause: OSError) -> "NoReturn":
        """Raise why a write failed: the Runtime API answered early and closed the connection, or is gone."""
        self.state = "failed"
        try:
            self._read_answer()
            raise ConnectionLost(f"the Runtime API stopped reading the response: {cause}") from cause
        except RuntimeApiError as failure:
            self.failure = failure
            raise
