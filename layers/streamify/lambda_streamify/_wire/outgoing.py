"""Sends bytes through a socket, and knows at any moment how many bytes the socket has taken.

Python runs signal handlers after a call returns, when a function begins and when a loop repeats. If a handler raises
there, the number of bytes that `send` has just returned is lost, and nobody knows where to continue. So this module
never takes that number from the result of a call: an iterator written in C calls `send`, and a `for` loop stores what
the iterator yields. No signal handler runs between the two.
"""

import sys

from ..errors import RuntimeApiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from asyncio import AbstractEventLoop, Future
    from typing import Any, NoReturn

    Buffer = bytes | memoryview

MSG_DONTWAIT = 0x80 if sys.platform == "darwin" else 0x40  # as in `socket`, whose import takes 6 ms

# Exceptions in one call of `complete`. Signals are never that frequent, so more are a defect of this module.
INTERRUPTION_LIMIT = 10_000


class Outgoing:
    """Buffers to send, and the number of their bytes that the socket has taken.

    `record` is a list of the two. It is correct wherever a signal handler may run; without buffers, the number means
    nothing. `state` is "pending" at first, and "failed" from the start of `complete`; a subclass has more states.
    """

    may_answer_early = False  # whether the peer may answer before it has read everything

    def __init__(self, connection: "socket", buffers: "tuple[Buffer, ...]" = ()) -> None:
        self.record: list[Any] = [buffers, 0]
        self.state = "pending"
        self._socket = connection

    def unsent(self) -> "tuple[Buffer, ...]":
        """Return the bytes that the socket has not taken yet."""
        buffers, sent = self.record
        if sent:
            buffers = _skip(sent, buffers)
            self.record[:] = buffers, 0
        return buffers  # type: ignore[no-any-return]

    def send_now(self) -> bool:
        """Send what fits into the socket now, without waiting. Returns whether everything is sent."""
        record = self.record
        buffers = self.unsent() if record[1] else record[0]
        try:
            for record[1] in map(self._socket.sendmsg, (buffers,), ((),), (MSG_DONTWAIT,)):
                pass
        except OSError as error:
            self.check(error)
        record[0], record[1] = _skip(record[1], buffers), 0
        return not record[0]

    def flush(self) -> None:
        """Send everything. Blocks while the peer reads slowly."""
        may_have_answered = False
        while self.record[0]:
            if not self.send_now():
                if may_have_answered:
                    self.read_early_answer()
                may_have_answered = wait_until_ready(self._socket, listen=self.may_answer_early)

    async def drain(self, loop: "AbstractEventLoop") -> None:
        """Do the same as `flush`, for coroutines. If it is cancelled, the rest stays in `record`."""
        may_have_answered = False
        while self.record[0]:
            if not self.send_now():
                if may_have_answered:
                    self.read_early_answer()
                may_have_answered = await ready(loop, self._socket, send=True, listen=self.may_answer_early)

    def read_early_answer(self) -> None:
        """Read what has arrived of an answer, if the peer `may_answer_early`. Raises if the peer takes no more.

        A server that refuses a request may neither read on nor close the connection, so that no send ever fails.
        """

    def complete(self, *last: "Buffer") -> "BaseException | None":
        """Send everything and then `last`, even if signal handlers raise. Returns the last exception they raised."""
        buffers = (*self.unsent(), *last)
        interruption: BaseException | None = None
        count = 0
        # No call between these two statements and `try`: a signal handler runs before both, or inside the `try`.
        self.record[:] = buffers, 0
        self.state = "failed"
        while self.record[0]:
            try:
                self.flush()
            except (RuntimeApiError, SendFailed):  # noqa: PERF203 - the loop continues after a signal handler's error
                raise
            except BaseException as error:
                interruption = error
                count += 1
                if count == INTERRUPTION_LIMIT:
                    raise
        return interruption

    def check(self, error: OSError) -> None:
        """Return if `error` means that the socket is full. Otherwise raise the error to report.

        An error that a signal handler raised is raised again. Call this in the function that called the socket.
        """
        if is_raised_below(error):
            raise error
        if not isinstance(error, BlockingIOError):
            self.raise_send_error(error)

    def raise_send_error(self, cause: OSError) -> "NoReturn":
        """Raise the error that says why the socket takes no more."""
        raise SendFailed(str(cause)) from cause


class SendFailed(Exception):
    """The socket takes no more. Never leaves the runtime, which then reports the Runtime API's answer instead."""


def is_raised_below(error: BaseException) -> bool:
    """Return whether `error` comes from a Python function below the one that caught it.

    This tells a signal handler's OSError from the socket's: the traceback has a frame for a handler, which is a Python
    function, and none for a socket's method, which is written in C.
    """
    traceback = error.__traceback__
    return traceback is not None and traceback.tb_next is not None


def wait_until_ready(connection: "socket", *, listen: bool) -> bool:
    """Block until the socket takes more or, with `listen`, has data to read. Returns whether it has data.

    Raises what a signal handler raises.
    """
    from select import POLLIN, POLLOUT, poll  # imported late: most clients read fast enough

    poller = poll()
    poller.register(connection, POLLOUT | POLLIN if listen else POLLOUT)
    [(_, events)] = poller.poll()
    return bool(events & POLLIN)


async def ready(loop: "AbstractEventLoop", connection: "socket", *, send: bool, listen: bool) -> bool:
    """Do the same as `wait_until_ready`, for coroutines. Without `send`, ignore whether the socket takes more."""
    result: Future[bool] = loop.create_future()
    descriptor = connection.fileno()
    # A signal handler may have kept an earlier wait from removing its descriptor. If this socket has the same number,
    # the event loop would not register it anew.
    _unwatch(loop, connection, descriptor)
    try:
        if send:
            loop.add_writer(descriptor, _resolve, result, False)  # noqa: FBT003
        if listen:
            loop.add_reader(descriptor, _resolve, result, True)  # noqa: FBT003
        return await result
    finally:
        _set_blocking(connection)
        _unwatch(loop, connection, descriptor)


def _set_blocking(connection: "socket") -> None:
    """Make the socket block again: uvloop makes the descriptors that it watches non-blocking, as libuv does."""
    try:
        connection.settimeout(None)
    except OSError as error:
        if is_raised_below(error):  # otherwise the socket was closed
            raise


def _unwatch(loop: "AbstractEventLoop", connection: "socket", descriptor: int) -> None:
    for remove in (loop.remove_writer, loop.remove_reader):
        try:
            remove(descriptor)
        except OSError:  # noqa: PERF203 - both must be removed
            if connection.fileno() == descriptor:  # otherwise the socket was closed, which removed it
                raise


def _resolve(future: "Future[bool]", result: bool) -> None:  # noqa: FBT001 - an event loop's callback
    if not future.done():
        future.set_result(result)


def _skip(sent: int, buffers: "tuple[Buffer, ...]") -> "tuple[Buffer, ...]":
    if sent == sum(map(len, buffers)):
        return ()
    rest: list[Buffer] = []
    for buffer in buffers:
        if sent >= len(buffer):
            sent -= len(buffer)
        else:
            rest.append(memoryview(buffer)[sent:] if sent else buffer)
            sent = 0
    return tuple(rest)
