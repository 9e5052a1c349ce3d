"""The app's side of tests/support/gate.py."""

from collections.abc import Callable
from socket import create_connection


def waiting_at(address: str) -> Callable[[], None]:
    """Return a function that waits until the test opens the gate at this address."""
    host, _, port = address.rpartition(":")
    connection = create_connection((host, int(port)))

    def wait() -> None:
        connection.sendall(b"?")
        if connection.recv(1) != b"!":
            raise RuntimeError("the gate is gone")

    return wait
