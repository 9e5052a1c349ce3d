"""Sending bytes through a socket. test_signals shows that none is lost where a signal handler raises."""

import asyncio
import signal
import socket
import struct
import threading
from asyncio import run
from collections.abc import Iterator
from errno import ECONNRESET, ETIMEDOUT

import pytest

from lambda_streamify._wire.outgoing import Outgoing, SendFailed
from raising_alarm import alarm_raises
from scripted_api import WAIT

LARGE = bytes(range(256)) * 16384  # 4 MiB, more than the buffers of `pipe`

Sockets = tuple[socket.socket, socket.socket]


@pytest.fixture
def pipe() -> Iterator[Sockets]:
    """The sender's socket and the reader's."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        # The kernel's own timeouts: the sockets block as in the runtime, but no test waits for ever.
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(WAIT), 0))
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", int(WAIT), 0))
        yield ours, theirs


def read_all(theirs: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += theirs.recv(size - len(data))
    return data


def test_buffers_that_the_kernel_takes_in_parts_arrive_in_order(pipe: Sockets) -> None:
    ours, theirs = pipe
    buffers = (b"head", LARGE, b"middle", LARGE, b"end")

    async def send_and_read() -> bytes:
        sending = asyncio.to_thread(Outgoing(ours, buffers).flush)
        reading = asyncio.to_thread(read_all, theirs, sum(map(len, buffers)))
        return (await asyncio.gather(sending, reading))[1]

    assert run(send_and_read()) == b"".join(buffers)


def test_a_signal_in_the_middle_of_a_send_loses_nothing(pipe: Sockets) -> None:
    ours, theirs = pipe
    buffers = (b"head", LARGE, b"end")
    data: list[bytes] = []
    main_thread = threading.get_ident()

    def read() -> None:
        data.append(read_all(theirs, 100_000))  # the rest does not fit: the sender waits for room
        signal.pthread_kill(main_thread, signal.SIGUSR1)
        assert signalled.wait(WAIT)
        data.append(read_all(theirs, 4 + len(LARGE) + 3 - 100_000))

    signalled = threading.Event()
    before = signal.signal(signal.SIGUSR1, lambda *_: signalled.set())
    reader = threading.Thread(target=read)
    reader.start()
    try:
        Outgoing(ours, buffers).flush()
    finally:
        reader.join(WAIT * 2)
        signal.signal(signal.SIGUSR1, before)

    assert b"".join(data) == b"".join(buffers)


def test_complete_continues_after_a_signal_handlers_error_and_returns_it(pipe: Sockets) -> None:
    ours, theirs = pipe
    data: list[bytes] = []
    error = OSError(ETIMEDOUT, "took too long")

    with alarm_raises(error) as alarm:

        def read() -> None:
            data.append(read_all(theirs, 100_000))  # the rest does not fit: the sender waits for room
            alarm()
            data.append(read_all(theirs, len(LARGE) + 3 - 100_000))

        reader = threading.Thread(target=read)
        reader.start()
        assert Outgoing(ours, (LARGE,)).complete(b"end") is error
        reader.join(WAIT * 2)

    assert b"".join(data) == LARGE + b"end"


def test_an_error_of_the_socket_is_a_failed_send(pipe: Sockets) -> None:
    ours, theirs = pipe
    theirs.close()

    with pytest.raises(SendFailed) as raised:
        Outgoing(ours, (b"x",)).flush()

    assert isinstance(raised.value.__cause__, BrokenPipeError)


def test_a_signal_handlers_os_error_is_not_taken_for_the_sockets(pipe: Sockets) -> None:
    ours, theirs = pipe
    error = ConnectionResetError(ECONNRESET, "the function's own")

    with alarm_raises(error) as alarm:

        def read() -> None:
            read_all(theirs, 100_000)
            alarm()

        reader = threading.Thread(target=read)
        reader.start()
        with pytest.raises(ConnectionResetError) as raised:
            Outgoing(ours, (LARGE,)).flush()
        reader.join(WAIT * 2)

    assert raised.value is error
