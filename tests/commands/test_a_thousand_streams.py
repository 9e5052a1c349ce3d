"""A thousand streams at the same time: AWS's quota for an account."""

import asyncio
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator_process import EmulatorProcess, emulating
from process_table import peak, resident
from thin_runtime import LINES, write_template

STREAMS = 1_000
STREAMS_PER_PROCESS = 10  # a thousand processes would take minutes to start
# Of the emulator, for each stream: the client's connection and the runtime's. Of this process: the connection, and the
# gate's. Each process of a function needs three more: the Runtime API's socket, a pipe, and the process itself.
FILES_PER_STREAM = 5
FILES = STREAMS * FILES_PER_STREAM + 200
TIMEOUT_S = 600  # to start the processes on a busy machine
# What one stream may cost the emulator itself, with all that its runtime has sent and its client has not yet read.
MEMORY_PER_STREAM_BYTES = 256 * 1024

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="it reads the emulator's memory from /proc"),
]


@contextmanager
def many_files() -> Iterator[None]:
    """Let this process, and those that it starts, open enough files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        pytest.skip(f"{STREAMS} streams need {FILES} open files, and the limit here is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Gate:
    """Lets all streams through at once, when as many wait at it."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.StreamWriter] = []
        self.all_wait = asyncio.Event()

    async def open(self) -> str:
        """Begin to listen, and return the address."""
        self._server = await asyncio.start_server(self._arrive, "127.0.0.1", 0, backlog=STREAMS)
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    async def _arrive(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.waiting.append(writer)
        if len(self.waiting) == STREAMS:
            self.all_wait.set()

    def release(self) -> None:
        """Let those that wait go on."""
        for writer in self.waiting:
            writer.write(b"!")

    def close(self) -> None:
        """Close all connections."""
        self._server.close()
        for writer in self.waiting:
            writer.close()


class Stream:
    """One client, which reads a chunk at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes) -> None:
        self.first = first
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(cls, url: str) -> "Stream":
        """Ask for a stream, and return when its first chunk has come."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        return cls(reader, writer, await _chunk(reader))

    async def rest(self) -> bytes:
        """Return the rest of the body, which has to end properly."""
        found = b""
        while chunk := await _chunk(self._reader):
            found += chunk
        self._writer.close()
        return found


async def _chunk(reader: asyncio.StreamReader) -> bytes:
    """Return the next chunk of HTTP's chunked coding; the last one is empty."""
    size = int(await reader.readline(), 16)
    return (await reader.readexactly(size + 2))[:-2]


async def hold_and_release(gate: Gate, emulator: EmulatorProcess) -> list[tuple[bytes, bytes]]:
    """Return the first chunk and the rest of each stream. Nobody goes on before all have begun."""
    streams = await asyncio.gather(*(Stream.begin(emulator.urls["thin"]) for _ in range(STREAMS)))
    await gate.all_wait.wait()
    gate.release()
    rests = await asyncio.gather(*(stream.rest() for stream in streams))
    return [(stream.first, rest) for stream, rest in zip(streams, rests, strict=True)]


def test_a_thousand_streams_are_held_at_a_gate_and_released_with_every_byte(tmp_path: Path, cache: Path) -> None:
    async def main() -> None:
        gate = Gate()
        template = write_template(tmp_path, await gate.open())
        options = ("--quiet", "--max-concurrency", str(STREAMS_PER_PROCESS))
        with emulating(tmp_path, cache, *options, template=template, measured=False, parameters=()) as emulator:
            before = resident(emulator.process.pid)
            bodies = await asyncio.wait_for(hold_and_release(gate, emulator), TIMEOUT_S)
            grown = peak(emulator.process.pid) - before
            gate.close()

        firsts = {first for first, _ in bodies}
        assert len(firsts) == STREAMS  # each from a thread of its own
        assert len({first.partition(b".")[0] for first in firsts}) == STREAMS // STREAMS_PER_PROCESS
        assert all(rest == first * LINES for first, rest in bodies)
        assert grown < STREAMS * MEMORY_PER_STREAM_BYTES

    with many_files():
        asyncio.run(main())
