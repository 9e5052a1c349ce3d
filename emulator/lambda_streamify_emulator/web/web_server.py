"""One uvicorn server for all of the emulator's ports; each port has its own application."""

import asyncio
import errno
import logging
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ..errors import AddressError
from ..listener import Listener
from .asgi import App, Receive, Scope, Send, respond_unread
from .http_protocol import HttpProtocol

# uvicorn's messages about an application that aborts its response, and about one that refuses a WebSocket connection
# with a response of its own; the emulator logs the reasons itself.
_EXPECTED = (
    "ASGI callable returned without completing response.",
    "ASGI callable returned without completing handshake.",
)

# Clients on this machine reach a server that listens on all addresses at this one.
REACHABLE_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to it here


def listen(host: str, port: int, purpose: str) -> socket.socket:
    """Return a listening socket; port 0 means any free port. Raises AddressError if that is not possible."""
    if not 0 <= port <= 65535:
        raise AddressError(f"{port} is not a port: choose one from 1 to 65535 with --port")
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise AddressError(f"port {port}, for {purpose}, is in use: choose another with --port") from error
        # The error's own text repeats the address. The error numbers of failed look-ups are negative.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "there is no such address"
        raise AddressError(f"cannot listen on {host}:{port} for {purpose}: {reason}") from error
    # Connections inherit the option. asyncio sets it only on sockets with an explicit protocol, which these lack.
    # Without it, the body of a response waits until the client acknowledges the head (measured: 44 ms).
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def address(listening: socket.socket, scheme: str = "http") -> str:
    """Return the URL at which clients on this machine reach a listening socket, without a slash at its end."""
    host, port, *_ = listening.getsockname()
    reached = REACHABLE_AT.get(host, host)
    return f"{scheme}://[{reached}]:{port}" if ":" in reached else f"{scheme}://{reached}:{port}"


class WebServer:
    """Serves each application on its socket. Sockets may be added and removed while it serves."""

    def __init__(self, apps: Mapping[socket.socket, App]) -> None:
        self._sockets = list(apps)
        self._apps = {listening.getsockname()[1]: app for listening, app in apps.items()}
        self._server = _Server(_config(self._dispatch, HttpProtocol))
        logging.getLogger("uvicorn.error").addFilter(_is_news)

    async def start(self) -> None:
        """Start to serve."""
        self._task = asyncio.create_task(self._server.serve(sockets=self._sockets))
        listening = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait([self._task, listening], return_when=asyncio.FIRST_COMPLETED)
        if not listening.done():
            listening.cancel()
            await self._task  # raises its error

    async def stop(self) -> None:
        """Stop serving; running responses have a second to end."""
        self._server.should_exit = True
        await self._task

    def open(
        self, listening: socket.socket, app: App, tls: ssl.SSLContext | None = None, *, websockets: int | None = None
    ) -> None:
        """Serve another socket, over https with `tls`, or another application on a socket that is served already.

        `websockets` is for applications that take WebSocket connections: the size in bytes of the longest message.
        """
        known = listening in self._sockets
        self._apps[listening.getsockname()[1]] = app
        if not known:
            self._sockets.append(listening)
            if tls is not None:
                self._server.contexts[listening] = tls
            if websockets is not None:
                self._server.upgrading[listening] = _websocket_config(self._dispatch, websockets)
            if self._server.listening.is_set():
                self._server.open(listening)

    def close(self, listening: socket.socket) -> None:
        """Accept no more connections on a socket, and close it. Requests that are running continue."""
        self._apps[listening.getsockname()[1]] = _gone  # for requests on connections that are open already
        self._sockets.remove(listening)
        self._server.close(listening)

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[scope["server"][1]](scope, receive, send)


async def _gone(_: Scope, receive: Receive, send: Send) -> None:
    await respond_unread(receive, send, 404, [("content-type", "text/plain")], b"nothing is served here any more\n")


def _config(app: App, protocol: Any, **options: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=protocol,
        lifespan="off",
        log_config=None,
        log_level="error",  # the response reports mistakes of the client
        access_log=False,
        server_header=False,
        proxy_headers=False,  # else X-Forwarded-For would change the client's address
        timeout_graceful_shutdown=1,
        **{"ws": "none", **options},
    )


def _websocket_config(app: App, message_limit: int) -> uvicorn.Config:
    """Return the configuration of a port with WebSocket connections. Like API Gateway, it sends no pings."""
    options = {"ws_max_size": message_limit, "ws_ping_interval": None, "ws_per_message_deflate": False}
    config = _config(app, HttpToolsProtocol, ws="websockets-sansio", **options)
    config.load()
    return config


def _is_news(record: logging.LogRecord) -> bool:
    return record.msg not in _EXPECTED


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.contexts: dict[socket.socket, ssl.SSLContext] = {}
        self.upgrading: dict[socket.socket, uvicorn.Config] = {}
        """The configurations of the ports with WebSocket connections."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen with Listener, instead of asyncio's servers, which uvicorn uses."""
        self._listeners: dict[socket.socket, Listener] = {}
        self.servers = []
        for each in sockets or ():
            self.open(each)
        self.started = True
        self.listening.set()

    def open(self, listening: socket.socket) -> None:
        """Accept connections on another socket."""
        config = self.upgrading.get(listening)
        make_protocol = self._make_protocol if config is None else partial(self._make_upgrading_protocol, config)
        listener = Listener(listening, make_protocol, tls=self.contexts.get(listening))
        self._listeners[listening] = listener
        self.servers.append(listener)  # type: ignore[arg-type]

    def close(self, listening: socket.socket) -> None:
        """Accept no more connections on a socket, and close it."""
        listener = self._listeners.pop(listening)
        self.contexts.pop(listening, None)
        self.upgrading.pop(listening, None)
        self.servers.remove(listener)  # type: ignore[arg-type]
        listener.close()

    def _make_protocol(self) -> asyncio.Protocol:
        return HttpProtocol(config=self.config, server_state=self.server_state, app_state={})

    def _make_upgrading_protocol(self, config: uvicorn.Config) -> asyncio.Protocol:
        return HttpToolsProtocol(config=config, server_state=self.server_state, app_state={})

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Install no signal handlers: the emulator has its own."""
        yield
