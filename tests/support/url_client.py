"""Clients of function URLs: one that reads whole responses, and one that reads bytes as they stand on the wire."""

import json
from collections.abc import Container, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from socket import SO_RCVBUF, SOL_SOCKET, socket
from typing import Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from gate import Gate
from waiting import TIMEOUT_S, wait_until


class Reply(NamedTuple):
    """A response that was read to its proper end."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        """Return the values of each header of this name, in order."""
        return [value for key, value in self.headers if key.lower() == name]

    def json(self) -> Any:
        """Return what the body says."""
        return json.loads(self.body)


def request(
    url: str,
    path: str = "/",
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    **query: object,
) -> Reply:
    """Send one request and read its response; a body that is cut short raises IncompleteRead."""
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)) as connection:
        connection.request(method, path + _query(query), body, dict(headers or {}))
        response = connection.getresponse()
        return Reply(response.status, response.getheaders(), response.read())


def _query(fields: Mapping[str, object]) -> str:
    return "?" + urlencode({name: _text(value) for name, value in fields.items()}) if fields else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


class Wire:
    """A connection on which a request has been sent; what is read from it is what the server has written."""

    def __init__(self, connection: socket) -> None:
        self._connection = connection
        self._buffer = b""

    def read_until(self, end: bytes) -> bytes:
        """Return the next bytes up to `end`, as soon as they are there, even if nothing comes behind them."""
        while end not in self._buffer:
            received = self._connection.recv(65536)
            assert received, f"the connection was closed before {end!r}, after {self._buffer!r}"
            self._buffer += received
        found, _, self._buffer = self._buffer.partition(end)
        return found + end

    def read_on(self) -> Iterator[bytes]:
        """Yield the next bytes as they come, until the server closes the connection."""
        if self._buffer:
            yield self._buffer
        while received := self._connection.recv(65536):
            yield received

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def wire(
    url: str, target: str, *, receive_buffer: int | None = None, head: str = "", body: bytes = b"", **query: object
) -> Iterator[Wire]:
    """Send a request as it stands, with these lines in its head, and leave reading to the block.

    With `receive_buffer` the kernel keeps about that many bytes, and no more, for a client that does not read.
    """
    address = urlsplit(url)
    assert address.hostname is not None
    method = "POST" if body else "GET"
    lines = [f"{method} {target}{_query(query)} HTTP/1.1", f"Host: {address.netloc}", "Connection: close"]
    with socket() as connection:
        connection.settimeout(TIMEOUT_S)
        if receive_buffer is not None:
            connection.setsockopt(SOL_SOCKET, SO_RCVBUF, receive_buffer)  # before the connection: it sets the window
        connection.connect((address.hostname, address.port))
        connection.sendall("\r\n".join([*lines, head and f"{head}\r\n", ""]).encode() + body)
        yield Wire(connection)


def wait_until_one_answers(url: str, processes: Container[int]) -> None:
    """Return when one of these processes has answered a request; they have to be idle, or about to be.

    Whichever process answers in their place is held: it would be the first to be asked again.
    """
    with ExitStack() as held:

        def answers() -> bool:
            gate = held.enter_context(Gate())
            stream = held.enter_context(wire(url, "/gated_processes", gate=gate.address, chunks=1))
            held.callback(gate.open)
            stream.read_until(b"process ")
            return int(stream.read_until(b"\n")) in processes

        wait_until(answers, f"an answer of {processes}")
