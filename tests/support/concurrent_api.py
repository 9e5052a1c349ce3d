"""A Runtime API that hands out several events at a time, in the event loop of the test, over any number of connections.

A connection is one half of a socket pair: what is written to it can be read at once, so that simulated time does not
pass while bytes are under way.
"""

import asyncio
import json
import socket
from dataclasses import dataclass, field
from typing import Any

from lambda_streamify._concurrency.async_api import AsyncRuntimeApi

PREFIX = "/2018-06-01/runtime/invocation/"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


@dataclass
class Answer:
    """What has arrived of the answer to one event."""

    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    chunks: list[bytes] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    trailers: dict[str, str] = field(default_factory=dict)
    connection: int = 0
    is_complete: bool = False

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(self.chunks)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def error_type(self) -> str | None:
        """The type of the error that was reported, before or after the first byte."""
        if self.path == "error":
            return str(self.json["errorType"])
        return self.trailers.get("lambda-runtime-function-error-type")


class ConcurrentApi:
    """Answers each /next with an event that `invoke` has been given. It reads nothing from connections on hold."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.status = 202  # with which answers are received
        self.refused = 0  # how many times /next is still refused
        self.asked = 0  # how many times it was asked
        self.waiting = 0  # connections that have asked for an event
        self._events: asyncio.Queue[tuple[str, bytes, dict[str, str]]] = asyncio.Queue()
        self._ended: dict[str, asyncio.Event] = {}
        self._holds: dict[str, asyncio.Event] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._writers: list[asyncio.StreamWriter] = []

    def client(self) -> AsyncRuntimeApi:
        """Return a client of this Runtime API."""
        return _PairedClient(self)

    def invoke(self, request_id: str, event: object = None, **headers: str) -> None:
        """Queue an event."""
        self.invoke_raw(request_id, json.dumps(event).encode(), **headers)

    def invoke_raw(self, request_id: str, body: bytes, **headers: str) -> None:
        """Queue an event, whose JSON may be wrong."""
        self._ended[request_id] = asyncio.Event()
        self._events.put_nowait((request_id, body, headers))

    def hold(self, request_id: str) -> None:
        """Read nothing of this answer until `release`: its reader is slow."""
        self._holds[request_id] = asyncio.Event()

    def release(self, request_id: str) -> None:
        """Go on to read this answer."""
        self._holds[request_id].set()

    async def answer(self, request_id: str) -> Answer:
        """Return the answer, once it is complete."""
        await self._ended[request_id].wait()
        return self.answers[request_id]

    async def until_waiting(self, count: int) -> None:
        """Wait until so many connections wait for an event."""
        while self.waiting != count:  # noqa: ASYNC110 - there is nothing to wait for but the count
            await asyncio.sleep(0)

    async def drop_connections(self) -> None:
        """Close all connections. The client may open others."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.close()

    def attach(self, connection: socket.socket) -> None:
        """Serve a connection."""
        self._tasks.append(asyncio.get_running_loop().create_task(self._serve(connection, len(self._tasks))))

    async def _serve(self, connection: socket.socket, number: int) -> None:
        reader, writer = await asyncio.open_connection(sock=connection, limit=16 * 1024)
        self._writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(await self._reply(reader, head.decode("latin-1"), number))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass

    async def _reply(self, reader: asyncio.StreamReader, head: str, number: int) -> bytes:
        method, path, _ = head.split(" ", 2)
        if method == "GET":
            self.asked += 1
            if self.refused:
                self.refused -= 1
                return ACCEPTED.replace(b"202 Accepted", b"403 -")
            return await self._next_event()
        request_id, _, path = path.removeprefix(PREFIX).partition("/")
        answer = self.answers[request_id] = Answer(path, _fields(head.partition("\r\n")[2]), connection=number)
        if request_id in self._holds:
            await self._holds[request_id].wait()
        if answer.headers.get("transfer-encoding") == "chunked":
            await self._read_chunks(reader, answer)
        else:
            answer.chunks.append(await reader.readexactly(int(answer.headers["content-length"])))
            answer.times.append(asyncio.get_running_loop().time())
        answer.is_complete = True
        self._ended[request_id].set()
        return ACCEPTED.replace(b"202", b"%d" % self.status)

    async def _next_event(self) -> bytes:
        self.waiting += 1
        try:
            request_id, body, headers = await self._events.get()
        finally:
            self.waiting -= 1
        lines = {
            "Content-Length": len(body),
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request_id,
            **{f"Lambda-Runtime-{name.replace('_', '-')}": value for name, value in headers.items()},
        }
        fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        return f"HTTP/1.1 200 OK\r\n{fields}\r\n".encode("latin-1") + body

    async def _read_chunks(self, reader: asyncio.StreamReader, answer: Answer) -> None:
        while size := int(await reader.readuntil(b"\r\n"), 16):
            answer.chunks.append((await reader.readexactly(size + 2))[:-2])
            answer.times.append(asyncio.get_running_loop().time())
        lines = []
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            lines.append(line.decode("latin-1"))
        answer.trailers.update(_fields("".join(lines)))


class _PairedClient(AsyncRuntimeApi):
    def __init__(self, api: ConcurrentApi) -> None:
        super().__init__("127.0.0.1:1", "test")
        self._api = api

    def _connection(self) -> Any:
        if self._socket is None:
            ours, theirs = socket.socketpair()
            self._socket = ours
            self._api.attach(theirs)
        return self._socket


def _fields(lines: str) -> dict[str, str]:
    pairs = (line.partition(":")[::2] for line in lines.split("\r\n") if line)
    return {name.lower(): value.strip() for name, value in pairs}
