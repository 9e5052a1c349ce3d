"""The Unix socket that workers on managed instances send their standard output and their standard error to."""

import socket
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock, Thread

from waiting import TIMEOUT_S


class OutputSocket:
    """A context manager. `path` is the value of _LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET.

    A thread reads all the time: many short writes fill a Unix socket, and then the writer waits.
    """

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()  # not in pytest's: the path of a Unix socket is short
        self.path = str(Path(self._folder.name, "socket"))
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen(100)
        self._listener.settimeout(0)
        self._received: dict[socket.socket, bytes] = {}
        self._lock = Lock()
        self._closed = Event()
        self._thread = Thread(target=self._read_on, daemon=True)
        self._thread.start()

    def __enter__(self) -> "OutputSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def written(self) -> list[bytes]:
        """Return for each connection what has come since the last call."""
        with self._lock:
            self._read()
            received = list(self._received.values())
            self._received = dict.fromkeys(self._received, b"")
        return received

    def close(self) -> None:
        """Close all of it."""
        self._closed.set()
        self._thread.join(TIMEOUT_S)
        for connection in (self._listener, *self._received):
            connection.close()
        self._folder.cleanup()

    def _read_on(self) -> None:
        while not self._closed.wait(0.02):
            with self._lock:
                self._read()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                connection.settimeout(0)
                self._received[connection] = b""
        for connection in self._received:
            with suppress(BlockingIOError):
                while data := connection.recv(65536):
                    self._received[connection] += data
