"""A name server (RFC 1035) that has one address for every name, which may be remembered for less than a second."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

_STANDARD_RESPONSE = b"\x81\x80"  # QR, RD and RA; no error
_ONE_QUESTION_ONE_ANSWER = b"\x00\x01\x00\x01\x00\x00\x00\x00"
# The name that stands at offset 12, type A, class IN, a time to live of 0 seconds, four bytes.
_ANSWER = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04"
_HEADER_LENGTH = 12


class NameServer:
    """Answers each query for an address with `address`, which may change, until it gets an empty packet."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]

    def serve(self) -> None:
        """Answer queries until `stop` is called."""
        with self._socket:
            while True:
                query, client = self._socket.recvfrom(512)
                if not query:
                    return
                self._socket.sendto(self._response(query), client)

    def stop(self) -> None:
        """Have `serve` return."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
            own.sendto(b"", ("127.0.0.1", self.port))

    def _response(self, query: bytes) -> bytes:
        name_end = query.index(b"\x00", _HEADER_LENGTH) + 1
        question = query[_HEADER_LENGTH : name_end + 4]
        head = query[:2] + _STANDARD_RESPONSE + _ONE_QUESTION_ONE_ANSWER
        return head + question + _ANSWER + socket.inet_aton(self.address)


@contextmanager
def name_server(address: str) -> Iterator[NameServer]:
    """Run a name server on a port of its own for the length of the block."""
    server = NameServer(address)
    thread = Thread(target=server.serve)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
