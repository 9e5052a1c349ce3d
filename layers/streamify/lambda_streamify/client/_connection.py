"""One request over a blocking socket, and its response."""

import socket

from ..errors import StreamFailed
from ._failures import broken, silent, unreachable
from ._http1 import ResponseParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

    from ._http1 import Head
    from ._request import Request

RECEIVE_LIMIT_BYTES = 64 * 1024  # how much is received at a time


class Connection:
    """A connection of its own for one request, which is sent at once. `head` is that of the response.

    timeout   seconds, for the connection to be made and for each wait for more bytes; None means no limit
    context   how a server is verified; None verifies it against the certificate authorities of the system
    """

    head: "Head"

    def __init__(
        self,
        request: "Request",
        last_event_id: str,
        signature: "Mapping[str, str]",
        *,
        timeout: "float | None",
        context: "SSLContext | None",
    ) -> None:
        self._request = request
        self._timeout = timeout
        self._parser = ResponseParser(request.method)
        self._body: list[bytes] = []
        self._socket = _connected(request, timeout, context)
        try:
            self._send(request.encode(last_event_id, signature))
            while self._parser.head is None:
                self._receive()
            self.head = self._parser.head
        except BaseException:
            self.close()
            raise

    def read(self) -> bytes:
        """The next bytes of the body as they come, b"" at its end. Raises StreamCut if they do not.

        After the end, or a StreamCut, the connection is closed, also without `close`.
        """
        try:
            while not self._body and not self._parser.is_complete:
                self._parser.check()
                self._receive()
        except StreamFailed:
            self.close()
            raise
        if self._body:
            return self._body.pop(0)
        self.close()
        return b""

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except TimeoutError as error:
            raise silent(self._request, None, self._timeout) from error
        except OSError:
            pass  # a server that refuses a large body answers before it has read all of it

    def _receive(self) -> None:
        try:
            data = self._socket.recv(RECEIVE_LIMIT_BYTES)
        except TimeoutError as error:
            raise silent(self._request, self._parser.head, self._timeout) from error
        except OSError as error:
            raise broken(self._request, self._parser.head, error) from error
        if data:
            self._body += self._parser.feed(data)
        else:
            self._parser.end()


def _connected(request: "Request", timeout: "float | None", context: "SSLContext | None") -> "socket.socket":
    try:
        connection = socket.create_connection((request.host, request.port), timeout)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if request.scheme == "https":
                from ssl import create_default_context

                context = context or create_default_context()
                return context.wrap_socket(connection, server_hostname=request.host)
        except BaseException:
            connection.close()
            raise
    except TimeoutError as error:
        raise silent(request, None, timeout) from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a label of the host's name is too long
        raise unreachable(request, error) from error
    return connection
