"""The clients of the guides to reading a stream, each run as it stands there: a process that prints what it reads."""

import inspect
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import lambda_streamify
from aws_sdk_lambda import python_with_sdk
from documents import blocks
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from processes import ROOT, clean_environment
from source_server import Answer, serving
from waiting import TIMEOUT_S, read_exactly

PAGE = ROOT / "docs" / "guides" / "reading-a-stream.md"
HELLO, STORY = (f"http://127.0.0.1:{port}/" for port in (4001, 4002))
LAMBDA_API = "http://127.0.0.1:4000"
CLIENTS_PAGE = ROOT / "docs" / "guides" / "reading" / "clients.md"
STREAM, EVENTS, ASTREAM, RELAY, ROWS = blocks(PAGE, "py")
AWS_SDK, HTTPX, REQUESTS = blocks(CLIENTS_PAGE, "py")
(FETCH,) = blocks(PAGE, "js")
(EVENT_SOURCE,) = blocks(PAGE, "javascript")
(BOTO3,) = blocks(CLIENTS_PAGE, "python")
CURL, CURL_EVENTS = (block.removeprefix("$ ") for block in blocks(PAGE, "console"))

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="there is no `node` on the PATH")
CLIENTS = [
    pytest.param([NODE, "--input-type=module", "--eval", FETCH], b"\n\n", marks=needs_node, id="fetch"),
    pytest.param([sys.executable, "-uc", HTTPX], b"\n", id="httpx"),
    pytest.param([sys.executable, "-uc", REQUESTS], b"\n\n", id="requests"),
    pytest.param(["sh", "-c", CURL], b"\n", id="curl"),
    pytest.param([sys.executable, "-uc", STREAM], b"\n", id="client.stream"),
    pytest.param([sys.executable, "-uc", ASTREAM], b"\n", id="client.astream"),
]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("clients"), cache) as emulator:
        yield emulator


@contextmanager
def running(command: list[str], replaced: str, address: str, **variables: str) -> "Iterator[subprocess.Popen[bytes]]":
    """Run a client that calls `address` where its code says `replaced`."""
    assert any(replaced in word for word in command)
    words = [word.replace(replaced, address) for word in command]
    with subprocess.Popen(
        words,
        env=clean_environment(**variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
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
        assert client.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        pytest.param([sys.executable, "-uc", EVENTS], [b"chunk 0\n", b"chunk 1\n", b""], id="client.stream"),
        pytest.param(
            ["sh", "-c", CURL_EVENTS],
            [b'id: %d\ndata: {"token":"chunk %d\\n"}\n\n' % (number, number) for number in range(2)]
            + [b"event: done\ndata: {}\n\n"],
            id="curl",
        ),
    ],
)
def test_a_client_shows_an_event_while_the_function_holds_the_next_one_back(
    command: list[str], lines: list[bytes], emulator: EmulatorProcess, gate: Gate
) -> None:
    address = f"{emulator.urls['cases']}gated_events?gate={gate.address}&chunks=2"
    with running(command, STORY, f"'{address}'" if command[0] == "sh" else address) as client:
        assert client.stdout is not None
        *chunks, last = lines
        for expected in chunks:
            assert read_exactly(client.stdout, len(expected)) == expected
            gate.open()
        assert client.stdout.read() == last
        assert client.wait(TIMEOUT_S) == 0


def test_the_handler_of_the_page_passes_a_stream_on(emulator: EmulatorProcess) -> None:
    code = f"{RELAY}\nprint(b''.join(lambda_handler({{}}, None)['body']))"
    with running([sys.executable, "-c", code], HELLO, f"{emulator.urls['cases']}value?value=1") as client:
        assert client.communicate(timeout=TIMEOUT_S)[0] == b"b'1'\n"


@pytest.mark.parametrize(
    ("pieces", "cut", "shown"),
    [
        ([b'{"row": 1}\n{"done": true}\n'], False, b"{'row': 1}\n{'done': True}\n"),
        ([b'{"row": 1}\n'], False, b"{'row': 1}\nfailed: the response ended without its last row"),
        ([b'{"row": 1}\n{"do'], True, b"{'row': 1}\nfailed: the response was cut after "),
    ],
)
def test_a_cut_is_shown_with_what_came(pieces: list[bytes], cut: bool, shown: bytes) -> None:  # noqa: FBT001 - a parameter
    with (
        serving({"/": Answer("application/x-ndjson", pieces, cut=cut)}) as server,
        running([sys.executable, "-c", ROWS], HELLO, f"{server.address}/") as client,
    ):
        printed, _ = client.communicate(timeout=TIMEOUT_S)

    assert printed.startswith(shown)
    assert not cut or printed.endswith(b"""b'{"do'\n""")


def test_aws_sdk_lambda_shows_a_chunk_while_the_function_holds_the_next_one_back(
    emulator: EmulatorProcess, gate: Gate
) -> None:
    python = python_with_sdk()
    event = f'{{"case": "gated", "gate": "{gate.address}", "chunks": 3}}'
    code = AWS_SDK.replace('function_name="hello", payload=b"{}"', f"function_name='cases', payload={event.encode()!r}")
    assert code != AWS_SDK
    layer = str(Path(lambda_streamify.__file__).parents[1])
    with running([str(python), "-uc", code], LAMBDA_API, emulator.lambda_api, PYTHONPATH=layer) as client:
        assert client.stdout is not None
        for number in range(3):
            assert read_exactly(client.stdout, 8) == b"chunk %d\n" % number
            gate.open()
        assert client.wait(TIMEOUT_S) == 0


def test_boto3_shows_a_chunk_while_the_function_holds_the_next_one_back(emulator: EmulatorProcess, gate: Gate) -> None:
    event = f'{{"case": "gated", "gate": "{gate.address}", "chunks": 3}}'
    code = BOTO3.replace('FunctionName="hello", Payload=b"{}"', f"FunctionName='cases', Payload={event!r}")
    assert code != BOTO3
    with running([sys.executable, "-uc", code], LAMBDA_API, emulator.lambda_api) as client:
        assert client.stdout is not None
        for number in range(3):
            assert read_exactly(client.stdout, 8) == b"chunk %d\n" % number
            gate.open()
        assert client.wait(TIMEOUT_S) == 0


@pytest.mark.parametrize(
    ("command", "status", "error"),
    [
        pytest.param(CLIENTS[0].values[0], 1, b"TypeError: terminated", marks=needs_node, id="fetch"),
        pytest.param(CLIENTS[1].values[0], 1, b"httpx.RemoteProtocolError", id="httpx"),
        pytest.param(CLIENTS[2].values[0], 1, b"requests.exceptions.ChunkedEncodingError", id="requests"),
        pytest.param(CLIENTS[3].values[0], 18, b"curl: (18)", id="curl"),
        pytest.param(CLIENTS[4].values[0], 1, b"lambda_streamify.errors.StreamCut", id="client.stream"),
        pytest.param(CLIENTS[5].values[0], 1, b"lambda_streamify.errors.StreamCut", id="client.astream"),
    ],
)
def test_a_client_shows_that_a_connection_was_cut_as_the_page_says(
    command: list[str], status: int, error: bytes
) -> None:
    with (
        serving({"/": Answer("text/plain", [b"chunk 0\n"], cut=True)}) as server,
        running(command, HELLO, f"{server.address}/") as client,
    ):
        shown, complaint = client.communicate(timeout=TIMEOUT_S)

    assert shown.startswith(b"chunk 0\n")
    assert error in complaint
    assert client.returncode == status


def test_a_body_that_ends_well_after_an_error_tells_a_client_nothing(emulator: EmulatorProcess) -> None:
    command = CLIENTS[3].values[0]
    with running(command, HELLO, f"'{emulator.urls['cases']}fails?after=2'") as client:  # type: ignore[arg-type]
        shown, _ = client.communicate(timeout=TIMEOUT_S)

    assert (shown, client.returncode) == (b"chunk 0\nchunk 1\n", 0)


@needs_node
def test_the_code_for_browsers_is_javascript(tmp_path: Path) -> None:
    script = tmp_path / "page.mjs"
    script.write_text(EVENT_SOURCE)

    assert NODE is not None
    subprocess.run([NODE, "--check", script], check=True, timeout=TIMEOUT_S)


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
        assert client.wait(TIMEOUT_S) == 0


def test_the_defaults_of_the_clients_are_those_of_the_page() -> None:
    import boto3
    import httpx

    assert httpx.Client().timeout == httpx.Timeout(5)
    config: Any = boto3.client("lambda", region_name="us-east-1").meta.config
    assert config.read_timeout == 60
    assert inspect.signature(lambda_streamify.client.stream).parameters["timeout"].default == 60
