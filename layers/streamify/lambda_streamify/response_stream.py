"""A streamed response on its way to the Runtime API: an open socket on one side, chunks on the other.

A small chunk is sent with one system call the moment it is written. Nothing is held back to be joined with the next:
no way of doing so leaves the latency alone (measured), and the kernel joins what a busy reader has not fetched.
"""

import sys

from . import framing
from .errors import ConnectionLost, RuntimeApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from asyncio import AbstractEventLoop, Future
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    Buffer = bytes | memoryview

MSG_DONTWAIT = 0x80 if sys.platform == "darwin" else 0x40  # it lives in `socket`, whose import costs 6 ms


class ResponseStream:
    """The body of one streamed response, written while the handler runs.

    Order: `open`, any number of `write`, then `end`; `framing.TRANSITIONS` is the law. Each has a twin for coroutines,
    which waits for the socket without blocking the event loop. Raises RequestRefused if the Runtime API turned the
    response down, ConnectionLost if it went away.

    `read_answer` reads the Runtime API's answer and raises unless it is the expected one. `state` is one of
    `framing.TRANSITIONS`, or "torn" if an exception of the function's own came in the midst of a send: nobody knows
    how much of a chunk is out, so nothing more can be said on this connection.
    """

    def __init__(self, connection: "socket", head: bytes, read_answer: "Callable[[], None]") -> None:
        self.state = "pending"
        self._socket = connection
        self._head = head
        self._read_answer = read_answer
        self.failure: RuntimeApiError | None = None  # why the Runtime API takes no more
        self._unsent: Sequence[Buffer] = ()  # what a full socket has not taken yet

    def open(self, start: bytes = b"", first: bytes = b"") -> None:
        """Send the head, `start` (the prelude) and the first chunk in one go; both may be empty."""
        self._unsent = self._opening(start, first)
        self.flush()

    async def open_async(self, loop: "AbstractEventLoop", start: bytes = b"", first: bytes = b"") -> None:
        """`open` for coroutines."""
        self._unsent = self._opening(start, first)
        await self.drain(loop)

    def write(self, data: bytes) -> None:
        """Send one chunk, which is not empty, at once; wait while the reader is slow."""
        if not self.write_nowait(data):
            self.flush()

    def write_nowait(self, data: bytes) -> bool:
        """Send of one chunk what fits into the socket now; False if a rest is left, for `flush` or `drain`."""
        if self.state != "open":
            framing.advance(self.state, "chunk")
        self.state = "torn"  # until it is known how much went out
        try:
            if len(data) > framing.COPY_LIMIT:
                self._unsent = _send_now(self._socket, framing.large_chunk(data))
                self.state = "open"
                return not self._unsent
            frame = framing.small_chunk(data)
            try:
                sent = self._socket.send(frame, MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
        except OSError as error:
            self._turned_down(error)
        if sent != len(frame):
            self._unsent = (frame[sent:],)
        self.state = "open"
        return sent == len(frame)

    def flush(self) -> None:
        """Send what is left over, waiting while the reader is slow.

        The function's signal handlers run while this waits, and may raise. What is not sent by then is known, as it
        would not be of a send that blocks: it goes out with `end`, before the trailers.
        """
        while self._unsent:
            self._send_unsent()
            if self._unsent:
                try:
                    _wait_until_writable(self._socket)
                except OSError as error:
                    self._turned_down(error)

    async def drain(self, loop: "AbstractEventLoop") -> None:
        """`flush` for coroutines. What a cancelled one leaves goes out with `end`."""
        while self._unsent:
            self._send_unsent()
            if self._unsent:
                await _writable(loop, self._socket)

    def end(self, trailers: "bytes | None" = None) -> None:
        """Send the last chunk, with error trailers if given, and read the answer."""
        framing.advance(self.state, "trailers" if trailers else "end")
        self._unsent = (*self._unsent, trailers or framing.LAST_CHUNK)
        self.state = "failed"  # as long as the end is not out
        self.flush()
        self._read_answer()
        self.state = framing.advance("open", "trailers" if trailers else "end")

    def _send_unsent(self) -> None:
        before, self.state = self.state, "torn"
        try:
            self._unsent = _send_now(self._socket, self._unsent)
        except OSError as error:
            self._turned_down(error)
        self.state = before

    def _opening(self, start: bytes, first: bytes) -> "list[bytes]":
        self.state = framing.advance(self.state, "head")
        opening = self._head + framing.small_chunk(start) if start else self._head
        if len(first) > framing.COPY_LIMIT:
            return [opening, *framing.large_chunk(first)]
        return [opening + framing.small_chunk(first) if first else opening]

    def _turned_down(self, cause: OSError) -> "NoReturn":
        """A write failed: the Runtime API has answered early and closed, or is gone."""
        if cause.errno is None:  # not the socket's: a signal handler of the function has raised it
            raise cause
        self.state = "failed"
        try:
            self._read_answer()
            raise ConnectionLost(f"the Runtime API took no more of the response: {cause}") from cause
        except RuntimeApiError as failure:
            self.failure = failure
            raise


def send_all(connection: "socket", buffers: "Sequence[Buffer]") -> None:
    """Send all buffers, in one system call if the kernel takes them, without joining them."""
    sent = connection.sendmsg(buffers)
    for buffer in buffers:
        if sent >= len(buffer):
            sent -= len(buffer)
        else:
            connection.sendall(memoryview(buffer)[sent:])
            sent = 0


def _send_now(connection: "socket", buffers: "Sequence[Buffer]") -> "Sequence[Buffer]":
    """Send what fits now; returns the rest."""
    try:
        sent = connection.sendmsg(buffers, (), MSG_DONTWAIT)
    except BlockingIOError:
        return buffers
    rest: list[Buffer] = []
    for buffer in buffers:
        if sent >= len(buffer):
            sent -= len(buffer)
        else:
            rest.append(memoryview(buffer)[sent:])
            sent = 0
    return rest


def _wait_until_writable(connection: "socket") -> None:
    from select import POLLOUT, poll  # most readers are fast enough

    waiting = poll()
    waiting.register(connection, POLLOUT)
    waiting.poll()


async def _writable(loop: "AbstractEventLoop", connection: "socket") -> None:
    """Suspend the coroutine until the socket takes more."""
    writable = loop.create_future()
    loop.add_writer(connection.fileno(), _resolve, writable)
    try:
        await writable
    finally:
        loop.remove_writer(connection.fileno())


def _resolve(future: "Future[None]") -> None:
    if not future.done():
        future.set_result(None)
