"""Counts of what the layer does for a chunk, an invocation and a start: a slower machine does not change them.

A count that grows makes every function slower. If it has to grow, change the number here, and say why in the commit.
"""

import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import lambda_streamify
from invoking import FUNCTION_URL, Handler, Log, Loop
from lambda_streamify import asgi, open_stream, wsgi
from lambda_streamify._runtime.invocation import Invocation
from lambda_streamify._runtime.logs import Logs
from lambda_streamify._runtime.runtime_api import RuntimeApi
from processes import clean_environment, interpreter, run
from scripted_api import ACCEPTED, invocation

LAYER = str(Path(lambda_streamify.__file__).parent)
CHUNKS = 100
CHUNK = b"x" * 20


class Connection:
    """Stands for the socket, so that no other thread runs. Each call of a method is one system call."""

    def __init__(self, count: "Count") -> None:
        self._count = count
        self._answer = invocation(FUNCTION_URL)

    def send(self, data: bytes, _flags: int = 0) -> int:
        """Take all of the data."""
        return self.sendmsg((data,))

    def sendmsg(self, buffers: Any, *_: Any) -> int:
        """Take all of the buffers."""
        self._count.system_calls += 1
        if not buffers[0].startswith(b"GET "):
            self._count.end_of_first_byte()
            self._answer = ACCEPTED
        return sum(map(len, buffers))

    def recv(self, _size: int, _flags: int = 0) -> bytes:
        """Return the answer to the last request."""
        self._count.begin_first_byte()
        return self._answer

    def close(self) -> None:
        """Do nothing."""


class Count:
    """Counts between `begin` and `end`, which the handler calls around CHUNKS chunks."""

    def __init__(self) -> None:
        self.system_calls = self.calls = self.blocks = self.calls_to_first_byte = 0
        self._waits_for_first_byte = True

    def begin(self) -> None:
        """Begin to count what the chunks take."""
        gc.collect()
        gc.disable()
        self.system_calls = self.calls = 0
        self.blocks = sys.getallocatedblocks()
        sys.setprofile(self._note)

    def end(self) -> None:
        """Stop."""
        sys.setprofile(None)
        self.blocks = sys.getallocatedblocks() - self.blocks
        gc.enable()
        self.chunk = (self.system_calls / CHUNKS, self.calls / CHUNKS)

    def begin_first_byte(self) -> None:
        """Begin to count the calls from an invocation's arrival."""
        if self._waits_for_first_byte:
            sys.setprofile(self._note)

    def end_of_first_byte(self) -> None:
        """Stop at the first byte of its response."""
        if self._waits_for_first_byte:
            sys.setprofile(None)
            self.calls_to_first_byte, self._waits_for_first_byte = self.calls, False

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(LAYER):
            self.calls += 1


@pytest.fixture(autouse=True)
def _stops_counting() -> Iterator[None]:
    """Leave neither the count nor a stopped collector to other tests, even if a handler fails."""
    profile = sys.getprofile()
    yield
    sys.setprofile(profile)
    gc.enable()


def run_counted(make: Callable[[Count], Handler], loop: Loop) -> Count:
    """Run the handler twice, since the first run fills caches, and return the counts of the second run."""
    for _ in range(2):
        count = Count()
        client = RuntimeApi("api:1", "test")
        client._socket = Connection(count)  # type: ignore[assignment]  # noqa: SLF001
        logs = Logs(Log(), lambda: 1.0)
        Invocation(client, client.next(), logs, mode="auto", loop=loop, clock=lambda: 1.0).run(make(count))
    return count


def generator(count: Count, chunk: Any = CHUNK) -> Handler:
    def handler(_event: Any, _context: Any) -> dict[str, Any]:
        return {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": body()}

    def body() -> Iterator[Any]:
        yield chunk
        yield chunk
        count.begin()
        for _ in range(CHUNKS):
            yield chunk
        count.end()

    return handler


def text_generator(count: Count) -> Handler:
    return generator(count, "x" * 20)


def large_generator(count: Count) -> Handler:
    return generator(count, b"x" * 100_000)


def async_generator(count: Count) -> Handler:
    async def handler(_event: Any, _context: Any) -> AsyncIterator[bytes]:
        yield CHUNK
        yield CHUNK
        count.begin()
        for _ in range(CHUNKS):
            yield CHUNK
        count.end()

    return handler


def writer(count: Count) -> Handler:
    def handler(_event: Any, _context: Any) -> None:
        out = open_stream(content_type="text/plain")
        out.write(CHUNK)
        count.begin()
        for _ in range(CHUNKS):
            out.write(CHUNK)
        count.end()

    return handler


def async_writer(count: Count) -> Handler:
    async def handler(_event: Any, _context: Any) -> None:
        out = open_stream(content_type="text/plain")
        await out.awrite(CHUNK)
        count.begin()
        for _ in range(CHUNKS):
            await out.awrite(CHUNK)
        count.end()

    return handler


def asgi_app(count: Count) -> Handler:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        part = {"type": "http.response.body", "body": CHUNK, "more_body": True}
        await send(part)
        count.begin()
        for _ in range(CHUNKS):
            await send(part)
        count.end()
        await send({"type": "http.response.body"})

    return asgi.handler(app, lifespan="off")


def wsgi_app(count: Count) -> Handler:
    def app(_environ: Any, start: Any) -> Iterator[bytes]:
        start("200 OK", [])
        yield CHUNK
        yield CHUNK
        count.begin()
        for _ in range(CHUNKS):
            yield CHUNK
        count.end()

    return wsgi.handler(app)


EACH = pytest.mark.parametrize(
    ("make", "calls"),
    [
        (generator, 1),
        (text_generator, 1),
        (large_generator, 4),
        (async_generator, 1),
        (writer, 4),
        (async_writer, 4),
        (asgi_app, 5),
        (wsgi_app, 6),
    ],
)


@EACH
def test_a_chunk_takes_one_system_call_and_a_few_calls_of_the_layers_functions(
    make: Callable[[Count], Handler], calls: int, loop: Loop
) -> None:
    assert run_counted(make, loop).chunk == (1, calls)


@EACH
def test_nothing_is_kept_of_a_chunk_that_was_sent(
    make: Callable[[Count], Handler],
    calls: int,  # noqa: ARG001 - of the other test
    loop: Loop,
) -> None:
    """The blocks are those of Python's allocator."""
    assert abs(run_counted(make, loop).blocks) < CHUNKS / 2


def test_the_calls_between_an_invocation_and_its_first_byte_do_not_grow(loop: Loop) -> None:
    # Without the loop around the invocations. On Python 3.12 and newer there are fewer: a comprehension is no call.
    assert run_counted(generator, loop).calls_to_first_byte <= 64


# What each start imports, beyond what Python itself has imported. A module of the standard library costs up to 10 ms.
IMPORTLIB = {"importlib", "importlib._bootstrap", "importlib._bootstrap_external", "warnings"}
STANDARD_LIBRARY = {"_json", "_socket", "_contextvars", "binascii", "itertools", *IMPORTLIB}
OWN = 27
MODULES_AT_START = """
import sys
assert "lambda_streamify" not in sys.modules
before = set(sys.modules)
sys.path.insert(0, sys.argv[1])
import lambda_streamify._runtime.bootstrap
print(*sorted(set(sys.modules) - before))
"""


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_a_start_imports_no_other_modules(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} that runs on this machine")
    modules = run(python, "-IBc", MODULES_AT_START, Path(LAYER).parent, env=clean_environment()).split()
    own = [name for name in modules if name.partition(".")[0] == "lambda_streamify"]

    assert set(modules) - set(own) <= STANDARD_LIBRARY
    assert len(own) <= OWN
