"""A proxy between a client and a server that can cut all of its connections."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from urllib.parse import urlsplit


class CuttingProxy(ThreadingTCPServer):
    """Passes bytes on between each client and the server at `url`. `requests` holds the first line of each request."""

    daemon_threads = True

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._server = address.hostname or "", address.port or 80
        self._lock = Lock()
        self._open: set[socket.socket] = set()
        self.requests: list[str] = []
        proxy = self

        class Handler(BaseRequestHandler):
            def handle(self) -> None:
                proxy.connect(self.request)

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"

    def connect(self, client: socket.socket) -> None:
        """Pass on what the client and the server send until one of them ends."""
        with socket.create_connection(self._server) as server:
            with self._lock:
                self._open |= {client, server}
            back = Thread(target=self._pass_on, args=(server, client), daemon=True)
            back.start()
            self._pass_on(client, server)
            back.join()
            with self._lock:
                self._open -= {client, server}

    def cut(self) -> None:
        """End all connections, without a word on the wire."""
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if data.startswith(b"GET "):
                    self.requests.append(data.partition(b"\r\n")[0].decode())
                target.sendall(data)
        for connection in (source, target):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting(url: str) -> Iterator[CuttingProxy]:
    """Run the proxy for the length of the block."""
    with CuttingProxy(url) as proxy:
        Thread(target=proxy.serve_forever, daemon=True).start()
        yield proxy
        proxy.cut()
        proxy.shutdown()
