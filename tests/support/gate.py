"""A gate between the chunks of a stream: the function waits at it after each one, the test opens it.

A test that opens it only when it has read chunk n proves that chunk n came before chunk n + 1 existed; no clock does.
"""

from select import select
from socket import create_server, socket

from waiting import TIMEOUT_S


class Gate:
    """The test's side. The function gets `address` in its event, connects, sends a byte and waits for one."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._listener = create_server((host, 0))
        self._listener.settimeout(TIMEOUT_S)
        self._function: socket | None = None

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def address(self) -> str:
        """Where the function finds the gate, as host:port."""
        host, port = self._listener.getsockname()
        return f"{host}:{port}"

    def open(self) -> None:
        """Let the function go on to its next chunk, once. It has to come and wait."""
        self.wait_for_function()
        self.open_for_waiting()

    def is_reached(self) -> bool:
        """Return whether the function has come, without waiting for it. Once it waits, `wait_for_function` returns."""
        return bool(select([self._function or self._listener], [], [], 0)[0])

    def wait_for_function(self) -> None:
        """Return when the function waits at the gate."""
        assert self._connection().recv(1) == b"?", "the function has left without waiting"

    def open_for_waiting(self) -> None:
        """Let the function go on, which is known to wait."""
        self._connection().sendall(b"!")

    def close(self) -> None:
        """Take the gate away; a function that waits at it gets an error."""
        if self._function is not None:
            self._function.close()
        self._listener.close()

    def _connection(self) -> socket:
        if self._function is None:
            self._function, _ = self._listener.accept()
            self._function.settimeout(TIMEOUT_S)
        return self._function
