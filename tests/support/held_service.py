"""A service behind a door: each request to it waits until the test lets it through."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Semaphore, Thread
from urllib.parse import urlsplit

from waiting import PATIENCE


class HeldService:
    """Passes requests on to `service`, a URL without a path, one for each `release`."""

    def __init__(self, service: str) -> None:
        released = self._released = Semaphore(0)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                assert released.acquire(timeout=PATIENCE), f"nobody has let {self.path} through"
                with closing(HTTPConnection(urlsplit(service).netloc, timeout=PATIENCE)) as connection:
                    connection.request("POST", self.path, body, dict(self.headers))
                    answer = connection.getresponse()
                    data = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                        self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever)

    @property
    def address(self) -> str:
        """Where the door is, as a URL without a path."""
        return "http://{}:{}".format(*self._server.server_address)

    def release(self) -> None:
        """Let one request through."""
        self._released.release()

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End the service."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def holding(service: str) -> Iterator[HeldService]:
    """Hold requests to the service for the length of the block."""
    held = HeldService(service)
    held.start()
    try:
        yield held
    finally:
        held.stop()
