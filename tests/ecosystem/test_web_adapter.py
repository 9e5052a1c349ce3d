"""AWS's Lambda Web Adapter, an external extension, streams under the emulator, as the same app does on the layer."""

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from socket import create_server

import pytest
import starlette

from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import ROOT
from url_client import Reply, request, wire
from web_adapter import web_adapter

DATA = ROOT / "tests" / "data" / "web_adapter"
LAYER_ARN = "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:27"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    layer = tmp_path_factory.mktemp("layer") / "opt"
    shutil.copytree(DATA / "layer", layer)
    (layer / "extensions").mkdir()
    shutil.copy(web_adapter(), layer / "extensions")
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--layer", f"{LAYER_ARN}={layer}", "--parameter", f"Packages={Path(starlette.__file__).parents[1]}")
    scratch = tmp_path_factory.mktemp("adapter")
    template = DATA / "template.yaml"
    with emulating(scratch, cache, *options, "--parameter", f"Port={port}", template=template) as emulator:
        yield emulator


@pytest.mark.parametrize("name", ["adapted", "handled"])
def test_each_chunk_is_on_the_wire_before_the_app_has_the_next(
    emulator: EmulatorProcess, gate: Gate, name: str
) -> None:
    with wire(emulator.urls[name], "/stream", gate=gate.address) as connection:
        assert connection.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 201 ")
        for number in range(3):
            connection.read_until(f"chunk {number} \u2713\n".encode())
            gate.open()
        assert b"".join(connection.read_on()).endswith(b"\r\n0\r\n\r\n")


def test_the_adapter_and_the_layer_give_the_same_response(emulator: EmulatorProcess) -> None:
    adapted, handled = (read(emulator.urls[name]) for name in ("adapted", "handled"))

    assert adapted.body == handled.body == "".join(f"chunk {number} \u2713\n" for number in range(3)).encode()
    assert adapted.status == handled.status == 201
    for name in ("content-type", "x-kind"):
        assert adapted.all(name) == handled.all(name) != []


def test_the_adapter_is_logged_as_an_extension_and_its_process_stays(emulator: EmulatorProcess) -> None:
    first = request(emulator.urls["adapted"]).body

    assert request(emulator.urls["adapted"]).body == first
    assert "EXTENSION\tName: lambda-adapter\tState: Ready\tEvents: []" in emulator.log()


def test_a_request_waits_for_a_web_server_that_streams(emulator: EmulatorProcess, gate: Gate) -> None:
    """Two web servers would need the same port: sandboxes share this machine's."""
    url = emulator.urls["adapted"]
    with ThreadPoolExecutor() as threads, wire(url, "/stream", gate=gate.address) as connection:
        connection.read_until(b"chunk 0")
        with emulator.logged("adapted waits: functions with extensions run one at a time"):
            waiting = threads.submit(request, url)
        assert not waiting.done()
        for _ in range(3):
            gate.open()
        assert b"".join(connection.read_on()).endswith(b"0\r\n\r\n")
        assert waiting.result().status == 200


def test_another_function_gets_the_port_once_the_first_is_idle(emulator: EmulatorProcess, gate: Gate) -> None:
    before = request(emulator.urls["adapted"]).body
    after = request(emulator.urls["other"]).body
    assert before != after

    with ThreadPoolExecutor() as threads, wire(emulator.urls["other"], "/stream", gate=gate.address) as connection:
        connection.read_until(b"chunk 0")
        with emulator.logged("adapted waits: ", "and other is busy"):
            waiting = threads.submit(request, emulator.urls["adapted"])
        for _ in range(3):
            gate.open()
        assert b"".join(connection.read_on()).endswith(b"0\r\n\r\n")
        assert waiting.result().body not in (before, after)  # a new process: the former has made room


def read(url: str) -> Reply:
    """Return the streamed response, whose app is let go on at once."""
    with Gate() as gate, ThreadPoolExecutor() as threads:
        reply = threads.submit(request, url, "/stream", gate=gate.address)
        for _ in range(3):
            gate.open()
        return reply.result()
