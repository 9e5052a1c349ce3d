import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from asynchronous import TIMEOUT_S, run
from lambda_streamify_emulator.recordings.recording import HIDDEN, Event, chunk_event
from lambda_streamify_emulator.replays.clocks import VirtualClock
from lambda_streamify_emulator.replays.faults import Faults
from lambda_streamify_emulator.replays.replay import Mode, Replay
from lambda_streamify_emulator.replays.replay_url import ReplayUrl
from lambda_streamify_emulator.web.web_server import WebServer, listen
from resetting import break_off


def head(status: int = 200, headers: dict[str, str] | None = None, *cookies: str) -> Event:
    return Event(0, "h", {"status_code": status, "headers": headers or {}, "cookies": list(cookies)})


CHUNKS = [b"one", b"\xff\r\n0\r\n\r\n", b"three"]
STREAM = [head(201, {"Content-Type": "text/plain"}), *(chunk_event(9, chunk) for chunk in CHUNKS)]
END = b"0\r\n\r\n"


class Client:
    """A connection after a request has been sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def head(self) -> tuple[int, list[tuple[str, str]]]:
        """Return status and headers, without the headers that the server adds."""
        text = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.strip().split("\r\n")
        pairs = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        added = {"date", "connection", "transfer-encoding"}
        return int(first.split()[1]), [pair for pair in pairs if pair[0] not in added]

    async def chunk(self) -> bytes:
        """Return the next HTTP chunk; an empty one is the end of the body."""
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        return (await self._reader.readexactly(size + 2))[:-2]

    async def rest(self) -> bytes:
        """Return everything that arrives until the server closes the connection."""
        return await self._reader.read()

    def leave(self) -> None:
        break_off(self._writer)


class Site:
    """A replay behind a server."""

    def __init__(self, port: int, url: ReplayUrl) -> None:
        self.url = url
        self.warnings: list[str] = []
        self.clients: list[Client] = []
        self._port = port

    async def ask(self, method: str = "GET") -> Client:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(f"{method} /any?path HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        self.clients.append(Client(reader, writer))
        return self.clients[-1]


@asynccontextmanager
async def serving(replay: Replay) -> AsyncIterator[Site]:
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
    listening = listen("127.0.0.1", 0, "a test")
    warnings: list[str] = []
    url = ReplayUrl(replay, warnings.append)
    server = WebServer({listening: url})
    await server.start()
    site = Site(listening.getsockname()[1], url)
    site.warnings = warnings
    try:
        yield site
    finally:
        for client in site.clients:
            client.leave()
        url.stop()
        await server.stop()


def answer(events: Path | Iterable[Event], method: str = "GET", **options: Any) -> tuple[int, Any, bytes, list[str]]:
    """Return status, headers, the body as sent on the wire, and the warnings."""

    async def main() -> tuple[int, Any, bytes, list[str]]:
        async with serving(Replay(events, mode="instant", **options)) as site:
            client = await site.ask(method)
            return *await client.head(), await client.rest(), site.warnings

    return run(main())


def on_the_wire(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)


def test_status_headers_and_chunks_are_those_of_the_recording() -> None:
    assert answer(STREAM) == (201, [("content-type", "text/plain")], on_the_wire(*CHUNKS) + END, [])


def test_each_cookie_is_a_header_and_hidden_ones_are_omitted() -> None:
    stream = [head(200, {"content-type": "a/b", "x-api-key": HIDDEN}, "a=1; Secure", "b=2", f"c={HIDDEN}")]

    assert answer(stream)[1] == [("content-type", "a/b"), ("set-cookie", "a=1; Secure"), ("set-cookie", "b=2")]


def test_headers_of_the_recorded_connection_are_not_repeated() -> None:
    stream = [head(200, {"content-length": "3", "Date": "then", "transfer-encoding": "chunked", "x-a": "b"})]

    assert answer(stream)[1] == [("x-a", "b"), ("content-type", "application/octet-stream")]


def test_without_a_head_the_response_has_the_defaults_of_a_function_url() -> None:
    expected: Any = (200, [("content-type", "application/octet-stream")], on_the_wire(b"one") + END, [])

    assert answer([chunk_event(0, b"one")]) == expected
    assert answer([])[:3] == (200, [("content-type", "application/octet-stream")], END)


def test_an_empty_chunk_does_not_end_the_body() -> None:
    assert answer([chunk_event(0, b""), chunk_event(0, b"one")])[2] == on_the_wire(b"one") + END


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_body_has_none(status: int) -> None:
    assert answer([head(status), chunk_event(0, b"one")])[::2] == (status, b"")


def test_head_is_answered_without_a_body() -> None:
    assert answer(STREAM, "HEAD")[:3] == (201, [("content-type", "text/plain")], b"")


def test_an_error_ends_the_body_normally_and_is_reported() -> None:
    status, _, body, warnings = answer(STREAM, faults=Faults(error=1))

    assert (status, body) == (201, on_the_wire(b"one") + END)
    told = "Replay.Error: an injected error, after the response began: the client sees a body that ends early"
    assert warnings == [told]


def test_an_error_before_the_first_byte_is_502() -> None:
    status, _, body, warnings = answer([Event(0, "e", {"type": "Function.A", "message": "why"})])

    assert (status, body) == (502, b"Internal Server Error")
    assert warnings == ["Function.A: why; the client gets 502"]


@pytest.mark.parametrize(("after", "chunks"), [(0, []), (2, CHUNKS[:2])])
def test_a_broken_connection_has_no_end(after: int, chunks: list[bytes]) -> None:
    assert answer(STREAM, faults=Faults(disconnect=after))[::2] == (201, on_the_wire(*chunks))


def test_a_connection_that_breaks_before_the_head_still_sends_a_head() -> None:
    assert answer([Event(0, "x", {"reason": "disconnect", "chunks": 0, "bytes": 0})])[::2] == (200, b"")


def test_a_recording_that_is_damaged_while_it_is_served_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    header = '{"version":1,"kind":"lambda-stream","layer":"client"}\n'

    path.write_text(header + '[1,"o","one"]\ndamage\n')
    _, _, body, warnings = answer(path)
    assert body == on_the_wire(b"one")
    assert warnings[0].startswith(f"{path}: line 3: not JSON: ")
    assert warnings[0].endswith("; the client gets a connection that breaks")

    path.write_text(header + "damage\n")
    status, _, _, warnings = answer(path)
    assert status == 502
    assert warnings[0].endswith("; the client gets 502")


def test_a_head_that_http_does_not_allow_is_reported() -> None:
    status, _, _, warnings = answer([head(200, {"a b": "c"})])

    assert status == 502
    assert warnings[0].endswith("header 'a b' with the value 'c' is not a valid HTTP header; the client gets 502")


def test_a_chunk_is_on_the_wire_before_the_next_one_is_released() -> None:
    async def main() -> None:
        replay = Replay(STREAM, mode=Mode.LOCKSTEP, release_timeout=TIMEOUT_S)
        async with serving(replay) as site:
            client = await site.ask()
            await client.head()
            for chunk in CHUNKS:
                assert await client.chunk() == chunk
                replay.release()
            assert await client.rest() == END

    run(main())


def test_the_head_is_sent_before_the_first_chunk() -> None:
    async def main() -> None:
        async with serving(Replay([head(202), chunk_event(10**12, b"late")])) as site:
            client = await site.ask()
            assert (await client.head())[0] == 202

    run(main())


def test_each_client_gets_the_whole_replay_and_none_waits_for_another() -> None:
    big = chunk_event(0, b"x" * 4_000_000)

    async def main() -> None:
        async with serving(Replay([head(), big, big, *STREAM[1:]], mode="virtual", clock=VirtualClock())) as site:
            slow = await site.ask()  # reads nothing, so that the server cannot continue to write
            quick = [await site.ask() for _ in range(3)]
            for client in quick:
                await client.head()
                assert len(await client.chunk()) == len(await client.chunk()) == 4_000_000
                assert [await client.chunk() for _ in CHUNKS] == CHUNKS
                assert await client.rest() == END
            await slow.head()
            assert len(await slow.rest()) > 8_000_000

    run(main())


def test_the_replay_of_a_client_that_disconnects_stops() -> None:
    over = asyncio.Event()

    class Watched(Replay):
        async def aevents(self) -> AsyncGenerator[Event, None]:
            try:
                yield head()
                await asyncio.Event().wait()
            finally:
                over.set()

    async def main() -> None:
        async with serving(Watched([])) as site:
            client = await site.ask()
            await client.head()
            client.leave()
            await over.wait()

    run(main())


def test_stopping_cuts_running_replays() -> None:
    async def main() -> None:
        async with serving(Replay([head(), chunk_event(0, b"one"), chunk_event(10**12, b"two")])) as site:
            client = await site.ask()
            await client.head()
            assert await client.chunk() == b"one"
            site.url.stop()
            assert await client.rest() == b""

    run(main())
