"""One request over a connection of asyncio, and its response: the twin of `Connection`.

It is not a `Connection` in a thread. A task that is cancelled cannot stop a thread that waits for bytes, so the thread
and the connection would outlive the task.
"""

import asyncio

from ._connection import RECEIVE_LIMIT_BYTES
from ._failures import broken, silent, unreachable
from ._http1 import ResponseParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

    from ._http1 import Head
    from ._request import Request


class AsyncConnection:
    """A connection of its own for one request. `head` is that of the response."""

    head: "Head"

    def __init__(
        self,
        request: "Request",
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        timeout: "float | None",
    ) -> None:
        self._request = request
        self._reader = reader
        self._writer = writer
        self._timeout = timeout
        self._parser = ResponseParser(request.method)
        self._body: list[bytes] = []

    @classmethod
    async def open(
        cls,
        request: "Request",
        last_event_id: str,
        signature: "Mapping[str, str]",
        *,
        timeout: "float | None",
        context: "SSLContext | None",
    ) -> "AsyncConnection":
        """Send the request, and wait for the head of its response. The arguments are those of `Connection`."""
        connection = cls(request, *await _connected(request, timeout, context), timeout)
        try:
            await connection._send(request.encode(last_event_id, signature))
            while connection._parser.head is None:
                await connection._receive()
            connection.head = connection._parser.head
        except BaseException:
            await connection.close()
            raise
        return connection

    async def read(self) -> bytes:
        """The next bytes of the body as they come, b"" at its end. Raises StreamCut if they do not."""
        while not self._body and not self._parser.is_complete:
            self._parser.check()
            await self._receive()
        return self._body.pop(0) if self._body else b""

    async def close(self) -> None:
        """Close the connection at once. A farewell of TLS is not waited for: the response has said where it ends."""
        self._writer.transport.abort()
        await asyncio.sleep(0)  # in which the loop closes the socket

    async def _send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await asyncio.wait_for(self._writer.drain(), self._timeout)
        except asyncio.TimeoutError as error:
            raise silent(self._request, None, self._timeout) from error
        except OSError:
            pass  # a server that refuses a large body answers before it has read all of it

    async def _receive(self) -> None:
        try:
            data = await asyncio.wait_for(self._reader.read(RECEIVE_LIMIT_BYTES), self._timeout)
        except asyncio.TimeoutError as error:
            raise silent(self._request, self._parser.head, self._timeout) from error
        except OSError as error:
            raise broken(self._request, self._parser.head, error) from error
        if data:
            self._body += self._parser.feed(data)
        else:
            self._parser.end()


async def _connected(
    request: "Request",
    timeout: "float | None",
    context: "SSLContext | None",
) -> "tuple[asyncio.StreamReader, asyncio.StreamWriter]":
    if request.scheme == "https" and context is None:
        from ssl import create_default_context

        context = create_default_context()
    secure = context if request.scheme == "https" else None
    try:
        return await asyncio.wait_for(asyncio.open_connection(request.host, request.port, ssl=secure), timeout)
    except asyncio.TimeoutError as error:
        raise silent(request, None, timeout) from error
    except (OSError, UnicodeError) as error:  # UnicodeError: a label of the host's name is too long
        raise unreachable(request, error) from error
