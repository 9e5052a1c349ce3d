"""The socket to which the workers of a runtime write their logs, where there are several.

On managed instances the clients of AWS connect to the socket that LOG_SOCKET names, and make the connection their
standard output (awslambdaric 4.2, `lambda_multi_concurrent_utils.py`). So the lines of different processes never mix.
"""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from .output import LINE_LIMIT_BYTES, READ_SIZE_BYTES

LOG_SOCKET = "_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"
BACKLOG = 1024  # connections that wait to be accepted: 2 for each worker
DRAIN_LIMIT = 8  # reads in a row from one connection: more than the kernel holds for it


class LogSocket:
    """Calls `log` with each line that comes from any connection."""

    def __init__(self, log: Callable[[str], None]) -> None:
        self._log = log
        self._path: Path | None = None
        self._listener: socket.socket | None = None
        self._connections: dict[socket.socket, bytearray] = {}  # each with its unfinished line

    def open(self, folder: Path) -> str | None:
        """Start to listen; return the path in `folder`, or None if it is too long for a socket (unix(7))."""
        path = folder / f"{uuid4().hex[:8]}.sock"
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(str(path))
        except OSError:
            listener.close()
            return None
        listener.settimeout(0)
        listener.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(listener, self._accept)
        self._listener, self._path = listener, path
        return str(path)

    def drain(self) -> None:
        """Log everything that was written before this call."""
        self._accept()
        for connection in list(self._connections):
            for _ in range(DRAIN_LIMIT):
                if not self._read(connection):
                    break

    def close(self) -> None:
        """Log what has arrived, incomplete lines too, and close all connections."""
        self.drain()
        for connection in list(self._connections):
            self._end(connection)
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        if self._path is not None:
            self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while self._listener is not None:
            try:
                connection, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError:  # no file is free: the worker waits until one is
                return
            connection.settimeout(0)
            self._connections[connection] = bytearray()
            asyncio.get_running_loop().add_reader(connection, self._read, connection)

    def _read(self, connection: socket.socket) -> bool:
        """Log the lines that have arrived; return whether there may be more."""
        rest = self._connections[connection]
        try:
            data = connection.recv(READ_SIZE_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self._end(connection)
            return False
        *lines, last = (bytes(rest) + data).split(b"\n")
        rest[:] = last
        for line in lines:
            self._show(line)
        if len(rest) >= LINE_LIMIT_BYTES:
            self._show(bytes(rest))
            rest.clear()
        return True

    def _end(self, connection: socket.socket) -> None:
        rest = self._connections.pop(connection)
        asyncio.get_running_loop().remove_reader(connection)
        connection.close()
        if rest:
            self._show(bytes(rest))

    def _show(self, line: bytes) -> None:
        self._log(line.decode("utf-8", "replace"))
