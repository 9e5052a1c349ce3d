"""The function's side of tests/support/gate.py."""

from socket import create_connection


class Gate:
    """Waits until the test opens it."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self._connection = create_connection((host, int(port)))

    def wait(self) -> None:
        """Return when it is open."""
        self._connection.sendall(b"?")
        if self._connection.recv(1) != b"!":
            raise RuntimeError("the gate is gone")
