"""The clients of docs/reading-a-stream.md, each as its code stands there, as a process that prints what it reads."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from documents import blocks
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import ROOT, clean_environment
from source_server import Answer, serving
from waiting import PATIENCE, read_exactly

PAGE = ROOT / "docs" / "reading-a-stream.md"
HELLO = "http://127.0.0.1:4001/"
LAMBDA_API = "http://127.0.0.1:4000"
HTTPX, REQUESTS = blocks(PAGE, "py")
(FETCH,) = blocks(PAGE, "js")
(EVENT_SOURCE,) = blocks(PAGE, "javascript")
(BOTO3,) = blocks(PAGE, "python")
CURL = blocks(PAGE, "console")[0].removeprefix("$ ")

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no `node` on the PATH")
CLIENTS = [
    pytest.param([NODE, "--input-type=module", "--eval", FETCH], b"\n\n", marks=needs_node, id="fetch"),
    pytest.param([sys.executable, "-uc", HTTPX], b"\n", id="httpx"),
    pytest.param([sys.executable, "-uc", REQUESTS], b"\n\n", id="requests"),
    pytest.param(["sh", "-c", CURL], b"\n", id="curl"),
]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("clients"), cache) as emulator:
        yield emulator


@contextmanager
def running(command: list[str], replaced: str, address: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a client that calls `address` where its code says `replaced`."""
    assert any(replaced in word for word in command)
    words = [word.replace(replaced, address) for word in command]
    with subprocess.Popen(
        words, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("command", "separator"), CLIENTS)
def test_a_client_shows_a_chunk_while_the_function_holds_the_next_one_back(
    command: list[str], separator: bytes, emulator: EmulatorProcess, gate: Gate
) -> None:
    address = f"{emulator.urls['cases']}gated_body?gate={gate.address}&chunks=3"
    with running(command, HELLO, f"'{address}'" if command[0] == "sh" else address) as client:
        assert client.stdout is not None
        for number in range(3):
            expected = b"chunk %d%b" % (number, separator)
            assert read_exactly(client.stdout, len(expected)) == expected
            gate.open()
        assert client.wait(PATIENCE) == 0


def test_boto3_shows_a_chunk_while_the_function_holds_the_next_one_back(emulator: EmulatorProcess, gate: Gate) -> None:
    event = f'{{"case": "gated", "gate": "{gate.address}", "chunks": 3}}'
    code = BOTO3.replace('FunctionName="hello", Payload=b"{}"', f"FunctionName='cases', Payload={event!r}")
    assert code != BOTO3
    with running([sys.executable, "-uc", code], LAMBDA_API, emulator.lambda_api) as client:
        assert client.stdout is not None
        for number in range(3):
            assert read_exactly(client.stdout, 8) == b"chunk %d\n" % number
            gate.open()
        assert client.wait(PATIENCE) == 0


@pytest.mark.parametrize(
    ("command", "status", "error"),
    [
        pytest.param(CLIENTS[0].values[0], 1, b"TypeError: terminated", marks=needs_node, id="fetch"),
        pytest.param(CLIENTS[1].values[0], 1, b"httpx.RemoteProtocolError", id="httpx"),
        pytest.param(CLIENTS[2].values[0], 1, b"requests.exceptions.ChunkedEncodingError", id="requests"),
        pytest.param(CLIENTS[3].values[0], 18, b"curl: (18)", id="curl"),
    ],
)
def test_a_client_shows_that_a_connection_was_cut_as_the_page_says(
    command: list[str], status: int, error: bytes
) -> None:
    with (
        serving({"/": Answer("text/plain", [b"chunk 0\n"], cut=True)}) as server,
        running(command, HELLO, f"{server.address}/") as client,
    ):
        shown, complaint = client.communicate(timeout=PATIENCE)

    assert shown.startswith(b"chunk 0\n")
    assert error in complaint
    assert client.returncode == status


def test_a_body_that_ends_well_after_an_error_tells_a_client_nothing(emulator: EmulatorProcess) -> None:
    command = CLIENTS[3].values[0]
    with running(command, HELLO, f"'{emulator.urls['cases']}fails?after=2'") as client:  # type: ignore[arg-type]
        shown, _ = client.communicate(timeout=PATIENCE)

    assert (shown, client.returncode) == (b"chunk 0\nchunk 1\n", 0)


@needs_node
def test_the_code_for_browsers_is_javascript(tmp_path: Path) -> None:
    script = tmp_path / "page.mjs"
    script.write_text(EVENT_SOURCE)

    assert NODE is not None
    subprocess.run([NODE, "--check", script], check=True, timeout=PATIENCE)


@pytest.mark.parametrize("read", ["iter_content(chunk_size=1024)", "iter_lines()"])
def test_requests_holds_no_chunk_back_whatever_it_is_read_by(read: str, emulator: EmulatorProcess, gate: Gate) -> None:
    code = REQUESTS.replace("iter_content(chunk_size=None)", read).replace("chunk.decode()", "chunk.decode().strip()")
    assert code != REQUESTS
    address = f"{emulator.urls['cases']}gated_body?gate={gate.address}&chunks=2"
    with running([sys.executable, "-uc", code], HELLO, address) as client:
        assert client.stdout is not None
        for number in range(2):
            assert read_exactly(client.stdout, 8) == b"chunk %d\n" % number
            gate.open()
        assert client.wait(PATIENCE) == 0


def test_the_defaults_of_the_clients_are_those_of_the_page() -> None:
    import boto3
    import httpx

    assert httpx.Client().timeout == httpx.Timeout(5)
    config: Any = boto3.client("lambda", region_name="us-east-1").meta.config
    assert config.read_timeout == 60
