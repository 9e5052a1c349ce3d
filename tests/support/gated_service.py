"""An HTTP service on this machine whose answers wait for the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Semaphore, Thread
from typing import TypeVar

from waiting import TIMEOUT_S


class QuietHandler(BaseHTTPRequestHandler):
    """What handlers of such services have in common: connections are kept, and nothing is logged."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class GatedService:
    """Serves requests by `handler`, which calls `wait` before what the test is to let through."""

    def __init__(self, handler: type[BaseHTTPRequestHandler], host: str = "127.0.0.1") -> None:
        self._released = Semaphore(0)
        self._server = ThreadingHTTPServer((host, 0), handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever)

    @property
    def address(self) -> str:
        """Where the service is, as a URL without a path."""
        return "http://{}:{}".format(*self._server.server_address)

    def release(self) -> None:
        """Let one thing through."""
        self._released.release()

    def wait(self, otherwise: str) -> None:
        """Wait until the test lets it through; `otherwise` says what has happened if it never does."""
        assert self._released.acquire(timeout=TIMEOUT_S), otherwise

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """End the service."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


Service = TypeVar("Service", bound=GatedService)


@contextmanager
def running(service: Service) -> Iterator[Service]:
    """Run the service for the length of the block."""
    service.start()
    try:
        yield service
    finally:
        service.stop()
