"""A Runtime API that hands out events one by one and tells what the runtime makes of them.

It takes any number of connections: AWS's client reports a failed start over another than it asks for events.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread

from sent import Sent, parse
from waiting import TIMEOUT_S

PREFIX = "/2018-06-01/runtime/"
# Beyond 6 MB and something for the envelope AWS answers 413 (observed with its Runtime Interface Emulator).
LARGEST = 6 * 1024 * 1024 + 100


@dataclass(frozen=True)
class Event:
    """What /next hands out, and the status with which the answer to it is received."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 202


@dataclass(frozen=True)
class Next:
    """The runtime waits for an event."""


@dataclass(frozen=True)
class Post:
    """The runtime has sent something to `path`; names of headers and trailers in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    trailers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ended:
    """The runtime's process has ended."""

    status: int


class QueuedApi:
    """A context manager.

    `init_status` answers what is posted before the first event, `next_status` the first `refusals` of /next, or each.
    With status 0 there is no answer: the connection is closed.
    """

    def __init__(self, *, init_status: int = 202, next_status: int = 200, refusals: int | None = None) -> None:
        self.happened: SimpleQueue[Next | Post | Ended] = SimpleQueue()
        self.events: SimpleQueue[Event | None] = SimpleQueue()
        self.status = init_status
        self.next_status = next_status
        self.refused = 0  # how many of /next
        self._refusals = refusals
        self._lock = Lock()
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def address(self) -> str:
        """As in AWS_LAMBDA_RUNTIME_API."""
        return "{}:{}".format(*self._server.server_address)

    def hand_out(self, event: Event) -> None:
        """Let /next answer with the event."""
        self.status = event.status
        self.events.put(event)

    def refuses(self) -> bool:
        """Return whether the /next that has arrived is refused."""
        with self._lock:
            refuses = self.next_status != 200 and (self._refusals is None or self.refused < self._refusals)
            self.refused += refuses
        return refuses

    def wait(self) -> Next | Post | Ended:
        """Return the next thing that happens, in the order in which it happened."""
        try:
            return self.happened.get(timeout=TIMEOUT_S)
        except Empty:
            raise AssertionError(f"nothing happened for {TIMEOUT_S} s") from None

    def __enter__(self) -> "QueuedApi":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.events.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(TIMEOUT_S)


class _Server(ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128  # a runtime may open many connections at once

    def __init__(self, api: QueuedApi) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.api = api


class _Connection(StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        """Answer one request after the other, until either side has enough."""
        with suppress(ConnectionError):
            while raw := self._read():
                reply = self._reply(parse(raw))
                if reply is None:
                    return
                self.wfile.write(reply)

    def _reply(self, request: Sent) -> bytes | None:
        """Return the answer; for /next, once there is an event. Restore/next is answered at once."""
        api = self.server.api
        if request.method == "POST":
            path = request.path.removeprefix(PREFIX)
            api.happened.put(Post(path, request.headers, request.body, request.trailers))
            too_large = len(request.body) > LARGEST and "transfer-encoding" not in request.headers
            return _reply(413 if too_large else api.status, b'{"status": "as told"}')
        if request.path != f"{PREFIX}invocation/next":
            return _reply(200, b"")
        if api.refuses():
            return _reply(api.next_status, b'{"errorType": "no event"}') if api.next_status else None
        api.happened.put(Next())
        event = api.events.get()
        return _reply(200, event.body, event.headers) if event else None

    def _read(self) -> bytes:
        """Return the next request as it came."""
        head = self._read_until_empty_line()
        fields = head.lower()
        if b"\r\ntransfer-encoding: chunked\r\n" in fields:
            return head + b"".join(self._read_chunks())
        length = fields.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
        return head + self.rfile.read(int(length or 0))

    def _read_chunks(self) -> Iterator[bytes]:
        size = None
        while size != 0:
            line = self.rfile.readline()
            size = int(line, 16)
            yield line + (self.rfile.read(size + 2) if size else self._read_until_empty_line())

    def _read_until_empty_line(self) -> bytes:
        lines = []
        while line := self.rfile.readline():
            lines.append(line)
            if line == b"\r\n":
                break
        return b"".join(lines)


def _reply(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> bytes:
    fields = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"HTTP/1.1 {status} -\r\nContent-Length: {len(body)}\r\n{fields}\r\n".encode() + body
