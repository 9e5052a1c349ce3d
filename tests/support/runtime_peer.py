"""The other end of the emulator's Runtime API: a runtime that sends what a test says, byte by byte."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPResponse
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.limits import LIMITS, Limits
from lambda_streamify_emulator.runtime_api.concurrent import ConcurrentRuntimeApi
from lambda_streamify_emulator.runtime_api.server import VERSION, Hooks, RuntimeApi
from lambda_streamify_emulator.template.reader import Function

FUNCTION = Function("hello", "Hello", "app.handler", "python3.12", Path(), 3, 128, {}, (), None)
HOOKS = Hooks(lambda _: None, lambda _: None, lambda: None, lambda _: None)
STREAMED = ("Transfer-Encoding: chunked", "Lambda-Runtime-Function-Response-Mode: streaming")


def request(method: str, path: str, *fields: str, body: bytes | None = None) -> bytes:
    """Return a request; without `body` it has none, or a chunked one that is to follow."""
    length = () if body is None else (f"Content-Length: {len(body)}",)
    head = "\r\n".join((f"{method} {VERSION}{path} HTTP/1.1", "Host: localhost", *fields, *length, "", ""))
    return head.encode() + (body or b"")


NEXT = request("GET", "invocation/next")


def response(request_id: str, *fields: str) -> bytes:
    """Return the head of a streamed response."""
    return request("POST", f"invocation/{request_id}/response", *STREAMED, *fields)


def chunk(data: bytes) -> bytes:
    """Return one chunk of a body; the empty one ends it, but for trailers and the empty line."""
    return b"%x\r\n%b\r\n" % (len(data), data) if data else b"0\r\n"


END = chunk(b"") + b"\r\n"


class _Readable:
    def __init__(self, data: bytes) -> None:
        self._file = BytesIO(data)

    def makefile(self, *_: Any) -> BytesIO:
        return self._file


@dataclass
class Reply:
    """An answer of the Runtime API; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error_type(self) -> str:
        """What kind of refusal it is."""
        return str(json.loads(self.body)["errorType"])


class Peer:
    """One connection of the runtime."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send all of it, however long that takes."""
        self._writer.write(data)
        await self._writer.drain()

    async def reply(self) -> Reply:
        """Return the next answer, read by a client that the project has not written."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0])
        parsed = HTTPResponse(cast("Any", _Readable(head + await self._reader.readexactly(length))))
        parsed.begin()
        return Reply(parsed.status, {name.lower(): value for name, value in parsed.getheaders()}, parsed.read())

    async def ask(self, data: bytes) -> Reply:
        """Send, and return the answer."""
        await self.send(data)
        return await self.reply()

    async def told_to_go_on(self) -> bool:
        """Whether the next answer is the one that asks for the body."""
        return await self._reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"

    def end_sending(self) -> None:
        """Say that nothing more will come; the answer is still read."""
        self._writer.write_eof()

    def reset(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()

    async def rest(self) -> bytes:
        """Return what comes until the connection is closed; b"RST" if it is reset."""
        try:
            return await self._reader.read()
        except ConnectionResetError:
            return b"RST"

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@dataclass
class Scene:
    """A Runtime API, what it told its sandbox, and the connections to it."""

    snapstart: bool = False
    limits: Limits = LIMITS
    names: tuple[str, ...] = ()
    capacity: int | None = None
    """How many invocations the runtime runs at a time; None for one, as on demand."""
    happened: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)

    async def __aenter__(self) -> "Scene":
        hooks = Hooks(
            lambda _: self._note("handed over"),
            lambda _: self._note("idle"),
            lambda: self._note("failed"),
            self.warnings.append,
        )
        self.api = self._make_api(hooks)
        self._noted = asyncio.Event()
        self.address = await self.api.start()
        return self

    def _make_api(self, hooks: Hooks) -> RuntimeApi:
        if self.capacity is None:
            return RuntimeApi(FUNCTION, hooks, snapstart=self.snapstart, limits=self.limits, names=self.names)
        return ConcurrentRuntimeApi(FUNCTION, hooks, capacity=self.capacity, limits=self.limits, names=self.names)

    @property
    def concurrent_api(self) -> ConcurrentRuntimeApi:
        """The API of a scene with a capacity."""
        assert isinstance(self.api, ConcurrentRuntimeApi)
        return self.api

    async def __aexit__(self, *_: object) -> None:
        for peer in self.peers:
            await peer.close()
        self.api.abort()
        await self.api.close()

    async def connect(self) -> Peer:
        """Open one more connection."""
        host, _, port = self.address.partition(":")
        self.peers.append(Peer(*await asyncio.open_connection(host, int(port))))
        return self.peers[-1]

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for what the Runtime API tells nobody."""
        while not condition():  # noqa: ASYNC110 - there is nothing to wait for but the condition
            await asyncio.sleep(0.001)

    async def idle(self, times: int = 1) -> None:
        """Wait until the runtime has asked for an event that is not there."""
        while self.happened.count("idle") < times:
            self._noted.clear()
            await self._noted.wait()

    def _note(self, what: str) -> None:
        self.happened.append(what)
        self._noted.set()

    async def invoked(self, invocation: Invocation | None = None) -> tuple[Peer, Invocation]:
        """Return a runtime that has been given an event."""
        peer = await self.connect()
        invocation = invocation or Invocation(b'{"a": 1}')
        self.api.invoke(invocation)
        assert (await peer.ask(NEXT)).status == 200
        return peer, invocation


def post(request_id: str, call: str, *fields: str, body: bytes = b"") -> bytes:
    """Return a request that answers an invocation, in one piece."""
    return request("POST", f"invocation/{request_id}/{call}", *fields, body=body)


async def read(invocation: Invocation) -> bytes:
    """Return the body of the response as far as it came."""
    return b"".join([piece async for piece in invocation.channel.pieces()])
