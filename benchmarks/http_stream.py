"""A client for one streamed response on a bare socket, which tells when it read each chunk."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

RECEIVE = 256 * 1024  # bytes
TIMEOUT_S = 60  # seconds without a byte


def read(url: str) -> Iterator[tuple[int, bytes]]:
    """Each read of the body: the monotonic clock in nanoseconds, and the bytes, still in HTTP's chunked coding."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=TIMEOUT_S) as connection:
        target = f"{parts.path or '/'}?{parts.query}"
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        data = connection.recv(RECEIVE)
        while b"\r\n\r\n" not in data:
            data += connection.recv(RECEIVE)
        head, _, rest = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 ") or b"chunked" not in head:
            raise RuntimeError(f"{url} answered {head!r}")
        while True:
            if rest:
                yield time.monotonic_ns(), rest
            if rest.endswith(b"0\r\n\r\n"):
                return
            rest = connection.recv(RECEIVE)
            if not rest:
                raise RuntimeError(f"{url}: the stream was cut off")
