"""A server that sends bytes as a test has written them, and hangs up where the test says."""

import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from waiting import TIMEOUT_S


class RawServer:
    """It answers each connection with the next of `answers`, the last one again and again.

    An answer is a sequence of pieces. Each piece but the first one waits for a `release`. After the last piece the
    server hangs up. HOLD waits for the client to do so instead, RESET resets the connection. `requests` are the bytes
    that it was sent.
    """

    HOLD, RESET = b"\0hold", b"\0reset"

    def __init__(self, answers: Sequence[Sequence[bytes]]) -> None:
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._released = threading.Semaphore(0)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def release(self, *_: object) -> None:
        """Let the next piece go."""
        self._released.release()

    def start(self) -> None:
        """Serve, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._answers.clear()
        with socket.create_connection(self._listener.getsockname(), TIMEOUT_S):
            self._thread.join(TIMEOUT_S)
        self._listener.close()
        assert not self._thread.is_alive(), "the server waits for something that does not come"

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if not self._answers:
                    return
                connection.settimeout(TIMEOUT_S)
                answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                self.requests.append(_request(connection))
                for number, piece in enumerate(answer):
                    if number:
                        assert self._released.acquire(timeout=TIMEOUT_S), f"nobody has released {piece!r}"
                    if piece == self.HOLD:
                        wait_for_client(connection)
                    elif piece == self.RESET:
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    else:
                        connection.sendall(piece)


def wait_for_client(connection: socket.socket) -> None:
    """Return when the client has hung up."""
    with suppress(ConnectionResetError):
        while connection.recv(65536):
            pass


def _request(connection: socket.socket) -> bytes:
    """Read one request, whose body has a Content-Length."""
    data = b""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            return data
        data += received
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        while name.lower() == b"content-length" and len(body) < int(value):
            body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


@contextmanager
def raw_server(*answers: Sequence[bytes]) -> Iterator[RawServer]:
    """Serve for the length of the block."""
    server = RawServer(answers)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def response(body: bytes, content_type: str = "text/plain", status: str = "200 OK", headers: str = "") -> bytes:
    """Return a whole response whose length is known."""
    lines = f"HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return lines.encode() + body


def chunked_head(content_type: str = "text/plain", headers: str = "") -> bytes:
    """Return the head of a response in chunks."""
    return f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n{headers}\r\n".encode()


def chunk(data: bytes) -> bytes:
    """Return one chunk; an empty one ends the response."""
    return b"%x\r\n%b\r\n" % (len(data), data)
