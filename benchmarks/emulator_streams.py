"""What clients of a running emulator see."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import http_stream
from emulators import idle_mb

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from emulators import Emulator

GAP = 2000  # microseconds between two chunks: the machine can rest in between
_STAMP = re.compile(rb"\d{19}")

# The control: what the clock, the machine and one socket make of the same chunks, with no emulator between.
_BARE = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for _ in range(int(sys.argv[2])):
    time.sleep(int(sys.argv[3]) / 1e6)
    connection.sendall(b"%019d\\n" % time.monotonic_ns())
"""


def delays_ms(url: str, count: int) -> list[float]:
    """How long each of `count` chunks took from the handler's `yield` to the client's read."""
    return _delays(http_stream.read(f"{url}?count={count}&gap={GAP}"), count)


def bare_delays_ms(count: int) -> list[float]:
    """The same over one socket between two processes."""
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with subprocess.Popen([sys.executable, "-c", _BARE, str(port), str(count), str(GAP)]):
            connection, _ = server.accept()

            def reads() -> Iterator[tuple[int, bytes]]:
                while data := connection.recv(http_stream.RECEIVE):
                    yield time.monotonic_ns(), data

            with connection:
                return _delays(reads(), count)


def _delays(reads: Iterable[tuple[int, bytes]], count: int) -> list[float]:
    with _no_collection():
        kept = list(reads)
    delays, rest = [], b""
    for at, data in kept:
        found = list(_STAMP.finditer(rest + data))
        delays += [(at - int(stamp.group())) / 1e6 for stamp in found]
        # A stamp that is torn counts once it is whole.
        rest = (rest + data)[found[-1].end() :] if found else rest + data
    if len(delays) != count:
        raise RuntimeError(f"{len(delays)} of {count} chunks came")
    return delays


def invocations_per_second(api: str, function: str, count: int) -> float:
    """Warm invocations by one client, one after the other on one connection."""
    address = urlsplit(api)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=http_stream.TIMEOUT_S)
    try:
        _invoke(connection, function)  # a cold start
        started = time.perf_counter()
        for _ in range(count):
            _invoke(connection, function)
        return count / (time.perf_counter() - started)
    finally:
        connection.close()


def _invoke(connection: HTTPConnection, function: str) -> None:
    connection.request("POST", f"/2015-03-31/functions/{function}/invocations", b"{}")
    response = connection.getresponse()
    body = json.loads(response.read())
    if response.status != 200 or body != {"statusCode": 200, "body": "hello"}:
        raise RuntimeError(f"{function} answered {response.status} {body}")


def bulk(emulator: Emulator, count: int) -> tuple[float, float]:
    """MB a second of `count` chunks of 64 KiB, and by how many MB the peak of the emulator's memory grew."""
    emulator.forget_peak()
    before = emulator.resident_mb()
    started = time.perf_counter()
    size = sum(len(data) for _, data in http_stream.read(f"{emulator.urls['bulk']}?count={count}"))
    seconds = time.perf_counter() - started
    if size < count * 64 * 1024:
        raise RuntimeError(f"{size} bytes came of {count * 64 * 1024}")
    return size / 1e6 / seconds, emulator.peak_mb() - before


class Crowd(NamedTuple):
    """What became of many streams at the same time."""

    whole: int  # streams that came to their end with every byte
    sandboxes: int  # processes that answered
    begun: float  # seconds until the last one had sent its first chunk
    resident: float  # MB of the emulator itself, with all of them open
    idle: float  # MB of a sandbox's processes, when it is idle
    kept: float  # MB of the emulator itself, for a sandbox that is idle


def concurrent(emulator: Emulator, count: int, gate: Path) -> Crowd:
    """Open `count` streams, none of which goes on before all have begun: the file `gate` lets them."""
    return asyncio.run(_concurrent(emulator, count, gate))


async def _concurrent(emulator: Emulator, count: int, gate: Path) -> Crowd:
    chunks = 20
    address = urlsplit(emulator.urls["gated"])
    target = f"GET /?gate={gate}&count={chunks} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n"

    async def first() -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(target.encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"a stream was answered {head!r}")
        return reader, writer, await _chunk(reader)

    async def rest(reader: asyncio.StreamReader) -> list[bytes]:
        found = []
        while chunk := await _chunk(reader):
            found.append(chunk)
        return found

    before = emulator.resident_mb()
    started = time.perf_counter()
    opened = await asyncio.wait_for(asyncio.gather(*(first() for _ in range(count))), http_stream.TIMEOUT_S * 2)
    begun, resident = time.perf_counter() - started, emulator.resident_mb()
    gate.touch()  # noqa: ASYNC240 - nothing else is to happen meanwhile
    bodies = await asyncio.wait_for(asyncio.gather(*(rest(reader) for reader, _, _ in opened)), http_stream.TIMEOUT_S)
    for _, writer, _ in opened:
        writer.close()
    expected = b"".join(b"%d\n" % number for number in range(chunks))
    whole = sum(b"".join(body) == expected for body in bodies)
    sandboxes = {int(pid) for _, _, pid in opened}
    idle = idle_mb(sandboxes) / len(sandboxes)
    return Crowd(whole, len(sandboxes), begun, resident, idle, (emulator.resident_mb() - before) / len(sandboxes))


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    """The next chunk of HTTP's chunked coding; the last one is empty."""
    size = int(await reader.readline(), 16)
    return (await reader.readexactly(size + 2))[:-2]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's collector from making a chunk look late."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
