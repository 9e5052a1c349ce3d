"""One uvicorn server for all of the emulator's ports; which application answers depends on the port."""

import asyncio
import errno
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import uvicorn

from ..errors import AddressError
from .asgi import App, Receive, Scope, Send
from .http_protocol import HttpProtocol

# What uvicorn says of an application that has cut its response; whoever cuts one tells why.
_CUT = "ASGI callable returned without completing response."


def listen(host: str, port: int, purpose: str) -> socket.socket:
    """A listening socket; with port 0, on any that is free."""
    if not 0 <= port <= 65535:
        raise AddressError(f"{port} is not a port: choose one from 1 to 65535 with --port")
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressError(f"port {port}, for {purpose}, is in use: choose another with --port") from error
        # Its own text names the address once more. The numbers of failed look-ups are below 0.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such address"
        raise AddressError(f"cannot listen on {host}:{port} for {purpose}: {reason}") from error
    # Its connections inherit it. asyncio would set it on sockets that name their protocol, which these do not; without,
    # what follows the head of a response waits for the client's acknowledgement (measured: 44 ms).
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class WebServer:
    """Serves each application on its socket."""

    def __init__(self, apps: Mapping[socket.socket, App]) -> None:
        self._sockets = list(apps)
        self._apps = {listening.getsockname()[1]: app for listening, app in apps.items()}
        config = uvicorn.Config(
            self._dispatch,
            interface="asgi3",
            http=HttpProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",  # of a client's mistakes the client is told
            access_log=False,
            server_header=False,
            proxy_headers=False,  # it would let a request's X-Forwarded-For change who the client is
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        logging.getLogger("uvicorn.error").addFilter(_is_news)

    async def start(self) -> None:
        """Serve from now on."""
        self._task = asyncio.create_task(self._server.serve(sockets=self._sockets))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait([self._task, listening], return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await self._task  # it has failed

    async def stop(self) -> None:
        """Stop serving; responses under way have a second to end."""
        self._server.should_exit = True
        await self._task

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[scope["server"][1]](scope, receive, send)


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg != _CUT


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the emulator."""
        yield
