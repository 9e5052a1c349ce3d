"""A Runtime API that does what a test says, byte by byte: a real server on a loopback socket, in a thread of its own.

Each connection has a script, a function that is given the `Peer` to read from and write to. Every wait is bounded, so
that a script which waits in vain fails its test and closes its connection, which in turn ends the other side's wait.
"""

import json
import socket
import threading
from collections.abc import Callable
from types import TracebackType

WAIT = 10.0  # seconds: what has not happened by then never will

LINE_END = b"\r\n"


def reply(status: int, body: bytes = b"", *fields: str) -> bytes:
    """Return a whole HTTP response."""
    lines = (f"HTTP/1.1 {status} -", f"Content-Length: {len(body)}", *fields, "", "")
    return "\r\n".join(lines).encode("latin-1") + body


def invocation(event: object = None, *fields: str, request_id: str = "request-1") -> bytes:
    """Return what /next answers when there is something to do."""
    headers = (f"Lambda-Runtime-Aws-Request-Id: {request_id}", "Lambda-Runtime-Deadline-Ms: 2000", *fields)
    return reply(200, json.dumps(event).encode(), "Content-Type: application/json", *headers)


ACCEPTED = reply(202, b'{"status":"OK"}\n', "Content-Type: application/json")


class Peer:
    """One connection, seen from the Runtime API."""

    def __init__(self, connection: socket.socket, requests: list[bytes]) -> None:
        connection.settimeout(WAIT)
        self._connection = connection
        self._requests = requests
        self._buffer = bytearray()

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes."""
        while len(self._buffer) < size:
            self._receive()
        return self._take(size)

    def read_until(self, end: bytes) -> bytes:
        """Return everything up to and including `end`."""
        while end not in self._buffer:
            self._receive()
        return self._take(self._buffer.index(end) + len(end))

    def read_request(self) -> bytes:
        """Return the next request as it came, and keep it among `ScriptedApi.requests`."""
        return self.read_body(self.read_until(LINE_END * 2))

    def read_body(self, head: bytes) -> bytes:
        """Return the request that begins with `head`, as `read_request` does."""
        request, fields = head, head.lower()
        if b"\r\ntransfer-encoding: chunked\r\n" in fields:
            request += self.read_chunked_body()
        elif b"\r\ncontent-length: " in fields:
            request += self.read(int(fields.partition(b"\r\ncontent-length: ")[2].partition(LINE_END)[0]))
        self._requests.append(request)
        return request

    def read_chunked_body(self) -> bytes:
        """Return the body from the first chunk size to the line that ends the trailers, as it came."""
        body = b""
        while True:
            size = self.read_until(LINE_END)
            body += size
            if int(size, 16) == 0:
                break
            body += self.read(int(size, 16) + len(LINE_END))
        while not body.endswith(LINE_END * 2):
            body += self.read_until(LINE_END)
        return body

    def receive(self) -> bytes:
        """Return the next bytes, as many as there are."""
        if not self._buffer:
            self._receive()
        return self._take(len(self._buffer))

    def send(self, data: bytes) -> None:
        """Send all of it."""
        self._connection.sendall(data)

    def answer(self, data: bytes) -> bytes:
        """Read one request, then send `data`; returns the request."""
        request = self.read_request()
        self.send(data)
        return request

    def is_closed_by_the_other_side(self) -> bool:
        """Wait for the next thing that happens: bytes, or the end of the connection."""
        return not self._buffer and not self._connection.recv(1)

    def say_no_more(self) -> None:
        """Close the half of the connection that this side writes to."""
        self._connection.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        data = self._connection.recv(65536)
        assert data, f"the connection ended after {bytes(self._buffer[-200:])!r}"
        self._buffer += data

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data


Script = Callable[[Peer], object]


def answers(*replies: bytes) -> Script:
    """Return the script that reads one request for each reply."""

    def script(peer: Peer) -> None:
        for data in replies:
            peer.answer(data)

    return script


class ScriptedApi:
    """Serves one connection after the other, each by its script; then nothing listens any more.

    A context manager: leaving it waits for the scripts and raises what failed in them.
    """

    def __init__(self, *scripts: Script, host: str = "127.0.0.1") -> None:
        self.requests: list[bytes] = []
        self._scripts = scripts
        self._failure: BaseException | None = None
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self._port = self._listener.getsockname()[1]
        self._host = f"[{host}]" if ":" in host else host
        self._listener.settimeout(WAIT)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        """As in AWS_LAMBDA_RUNTIME_API."""
        return f"{self._host}:{self._port}"

    def __enter__(self) -> "ScriptedApi":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(WAIT * 2)
        assert not self._thread.is_alive()
        if self._failure is not None:
            raise self._failure

    def _serve(self) -> None:
        with self._listener:
            for number, script in enumerate(self._scripts):
                try:
                    connection, _ = self._listener.accept()
                except TimeoutError:
                    self._failure = AssertionError(f"nobody opened connection {number}")
                    return
                last = number == len(self._scripts) - 1
                if last:
                    self._listener.close()
                with connection:
                    try:
                        script(Peer(connection, self.requests))
                    except BaseException as error:  # noqa: BLE001 - raised where the test can see it
                        self._failure = error
                        return
