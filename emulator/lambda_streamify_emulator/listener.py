"""Accepts connections, and copes with the limit of open files.

At that limit, asyncio's own servers call accept() once per entry of their backlog. Each failure logs a traceback and
starts a timer that repeats all of this (CPython, asyncio/selector_events.py, _accept_connection).
"""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from errno import EMFILE, ENFILE, ENOBUFS, ENOMEM

BACKLOG = 2048  # connections that wait to be accepted; uvicorn's default
ACCEPT_BATCH_LIMIT = 100  # connections that are accepted before other tasks run
RETRY_DELAY_S = 1.0
SHORTAGES = frozenset((EMFILE, ENFILE, ENOBUFS, ENOMEM))  # accept(2)
LOG = logging.getLogger(__name__)


class OncePerSecond(logging.Filter):
    """Lets at most one record a second pass."""

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record passes."""
        if 0 <= record.created - self._last < 1:
            return False
        self._last = record.created
        return True


LOG.addFilter(OncePerSecond())


def shortage(error: OSError) -> str | None:
    """Return the message for an error about exhausted system resources; None for any other error."""
    if error.errno not in SHORTAGES:
        return None
    hint = ": raise the limit with `ulimit -n` in the shell" if error.errno == EMFILE else ""
    return f"{os.strerror(error.errno)}{hint}"


class Listener:
    """Accepts connections on a socket from now on; each gets a new protocol from `protocol`, over TLS with `tls`."""

    def __init__(
        self,
        listening: socket.socket,
        protocol: Callable[[], asyncio.BaseProtocol],
        backlog: int = BACKLOG,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        listening.listen(backlog)
        listening.settimeout(0)
        self._listening = listening
        self._protocol = protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._retry: asyncio.TimerHandle | None = None
        self._starting: set[asyncio.Task[object]] = set()
        self._resume()

    def close(self) -> None:
        """Stop accepting; open connections continue."""
        if self._retry is not None:
            self._retry.cancel()
        if self._listening.fileno() >= 0:
            self._loop.remove_reader(self._listening)
            self._listening.close()

    async def wait_closed(self) -> None:
        """Return at once; uvicorn calls this on its servers."""

    def _resume(self) -> None:
        self._retry = None
        self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPT_BATCH_LIMIT):
            try:
                connection, _ = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                reason = shortage(error)
                if reason is None:
                    raise
                LOG.warning("cannot accept connections for now: %s", reason)
                self._loop.remove_reader(self._listening)
                self._retry = self._loop.call_later(RETRY_DELAY_S, self._resume)
                return
            connection.settimeout(0)
            starting = self._loop.create_task(self._start(connection))
            self._starting.add(starting)
            starting.add_done_callback(self._starting.discard)

    async def _start(self, connection: socket.socket) -> None:
        if self._tls is None:
            await self._loop.connect_accepted_socket(self._protocol, connection)
            return
        with suppress(OSError):  # a client that does not trust the certificate, or does not speak TLS
            await self._loop.connect_accepted_socket(self._protocol, connection, ssl=self._tls)
