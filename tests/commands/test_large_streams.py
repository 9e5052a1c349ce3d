"""What is large passes the runtime in constant memory, whole, and with as many system calls as there are chunks."""

import ast
import json
import os
import sys
from pathlib import Path
from typing import Any

import httptools
import pytest

from layer_build import build_layer
from layer_process import layer_process
from processes import ROOT, run
from scripted_api import ACCEPTED, Peer, ScriptedApi, invocation, reply

HANDLERS = ROOT / "tests" / "data" / "large_handlers"
MIB = 1024 * 1024
KEPT = 4096  # bytes of a chunk that tests look at
# Coverage's own modules and memory would be measured with the rest, so these processes run without it.
UNMEASURED = {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


def invoke(layer: Path, event: dict[str, Any], sink: "Sink", handler: str = "app.handler") -> None:
    """Run one invocation, whose answer `sink` reads; then the Runtime API ends the process."""

    def script(peer: Peer) -> None:
        peer.answer(invocation(event))
        sink.read(peer)
        peer.send(ACCEPTED)
        peer.answer(reply(500))

    with (
        ScriptedApi(script) as api,
        layer_process(layer, api.address, HANDLERS, handler, **UNMEASURED) as process,
    ):
        pass
    assert process.returncode == 1  # 500 is Lambda's word for "exit"


class Sink:
    """Reads a response without keeping it: the number of its bytes and chunks, and the last chunk."""

    def __init__(self) -> None:
        self.size = 0
        self.chunks = 0
        self.last = b""
        self._begin = True
        self._complete = False

    def read(self, peer: Peer) -> None:
        """Read to the end of the response."""
        parser = httptools.HttpRequestParser(self)
        while not self._complete:
            parser.feed_data(peer.receive())

    def on_chunk_header(self) -> None:
        self.chunks += 1
        self._begin = True

    def on_body(self, data: bytes) -> None:
        self.size += len(data)
        self.last = (b"" if self._begin else self.last)[-KEPT:] + data[-KEPT:]
        self._begin = False

    def on_message_complete(self) -> None:
        self._complete = True


@pytest.mark.parametrize("case", ["stream", "async"])
@pytest.mark.parametrize(("size", "count"), [(MIB, 200), (64 * 1024, 3200), (64 * MIB, 1), (20, 1_000_000)])
def test_memory_does_not_grow_with_the_stream(layer: Path, case: str, size: int, count: int) -> None:
    if sys.platform != "linux":
        pytest.skip("peak memory is read from /proc")
    sink = Sink()

    invoke(layer, {"case": case, "size": size, "count": count}, sink)

    assert sink.chunks == count + 3  # the first and the last of the function's, and the empty one that ends the body
    assert sink.size == size * count + len(b"begin") + len(sink.last)
    assert int(sink.last) <= MIB  # the chunk itself was there before


def test_an_event_of_six_megabytes_arrives_whole(layer: Path) -> None:
    sink = Sink()

    invoke(layer, {"case": "event", "text": "x" * (6 * MIB)}, sink)

    assert int(sink.last) == 6 * MIB


@pytest.mark.parametrize(("size", "call"), [(20, "send"), (4096, "send"), (4097, "sendmsg"), (65536, "sendmsg")])
def test_a_chunk_costs_one_system_call(layer: Path, size: int, call: str) -> None:
    sink = Sink()

    invoke(layer, {"size": size, "count": 10}, sink, "counting.handler")

    # The last chunk of the count is sent once the function runs on, so it is counted as well.
    assert ast.literal_eval(sink.last.decode()) == {call: 10}


# All that is loaded for the first event over a bare interpreter. Each module costs every cold start: a new one has to
# be added here on purpose.
LOADED = {
    "_contextvars",  # the running invocation, for what users import later
    "_json",  # json's scanner in C: json itself would bring regular expressions, collections and more
    "_socket",
    "binascii",
    "importlib",  # the handler's module is imported with it, as AWS's runtime does
    "itertools",  # built in; what sends small chunks is made of it
    *(("warnings",) if sys.version_info < (3, 13) else ()),  # importlib imports it, up to Python 3.12
}


def test_nothing_is_imported_that_a_function_may_not_need(layer: Path, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import sys\ndef handler(event, context):\n    return sorted(sys.modules)\n")
    sink = Sink()

    def script(peer: Peer) -> None:
        peer.answer(invocation({}))
        sink.read(peer)
        peer.send(ACCEPTED)
        peer.answer(reply(500))

    with ScriptedApi(script) as api, layer_process(layer, api.address, tmp_path, "app.handler", **UNMEASURED):
        pass

    code = "import sys; print(*sys.modules)"
    bare = set(run(sys.executable, "-c", code, env={"PATH": os.defpath}).split())
    loaded = {name.partition(".")[0] for name in set(json.loads(sink.last)) - bare}
    assert loaded - {"app", "lambda_streamify"} == LOADED - bare  # an editable install may have loaded some of them
