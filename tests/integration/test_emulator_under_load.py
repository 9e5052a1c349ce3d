"""The emulator with more clients than a function has room for."""

import json
import re
import select
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator_process import EmulatorProcess, emulating
from processes import ROOT
from waiting import TIMEOUT_S, wait_until

pytestmark = pytest.mark.slow

CLIENTS, ROOM = 500, 8
REFUSED = b'{"message":"Rate Exceeded."}'


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("crowded")
    template = folder / "template.yaml"
    template.write_text(f"""
Transform: AWS::Serverless-2016-10-31
Parameters:
  PythonRuntime: {{Type: String}}
Globals:
  Function:
    Runtime: !Ref PythonRuntime
    CodeUri: {ROOT / "tests/data/emulator/functions"}
    Handler: app.handler
    Timeout: 120
    Layers: [!Ref StreamifyLayer]
    Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}}}
    FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
Resources:
  StreamifyLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: {ROOT / "layers/streamify"}}}
  Eight:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: eight, ReservedConcurrentExecutions: {ROOM}}}
  Any:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: any}}
""")
    with emulating(folder, cache, template=template) as emulator:
        yield emulator


class Client:
    """A client on a connection of its own, which is read when something has come."""

    def __init__(self, url: str, path: str) -> None:
        parts = urlsplit(url)
        assert parts.port is not None
        self.socket = socket.create_connection((parts.hostname, parts.port), TIMEOUT_S)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
        self.received = b""
        self.has_ended = False

    def read(self) -> None:
        """Read what has come. A connection that was reset raises ConnectionResetError."""
        data = self.socket.recv(65536)
        self.received += data
        self.has_ended = not data

    @property
    def status(self) -> int:
        """The status; 0 if there is none yet."""
        found = re.match(rb"HTTP/1\.1 (\d+) ", self.received)
        return int(found[1]) if found else 0


def read_all(clients: Mapping[int, Client]) -> None:
    """Read what has come for any of the clients, by their file descriptors."""
    poll = select.poll()
    for descriptor, client in clients.items():
        if not client.has_ended:
            poll.register(descriptor, select.POLLIN)
    for descriptor, _ in poll.poll(100):
        clients[descriptor].read()


def test_as_many_streams_run_as_there_is_room_for_and_every_other_client_is_told(crowded: EmulatorProcess) -> None:
    with ExitStack() as stack:
        gates = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=CLIENTS))
        gates.settimeout(TIMEOUT_S)
        host, port = gates.getsockname()
        path = f"/gated_processes?chunks=1&gate={host}:{port}"
        clients: dict[int, Client] = {}
        for _ in range(CLIENTS):
            client = Client(crowded.urls["eight"], path)
            stack.callback(client.socket.close)
            clients[client.socket.fileno()] = client

        def settled() -> bool:
            read_all(clients)
            streaming = sum(b"process " in client.received for client in clients.values())
            return streaming == ROOM and sum(client.has_ended for client in clients.values()) == CLIENTS - ROOM

        wait_until(settled, "eight streams, and answers for all others")
        refused = [client for client in clients.values() if client.has_ended]
        for _ in range(ROOM):
            function, _ = gates.accept()
            stack.callback(function.close)
            assert function.recv(1) == b"?"
            function.sendall(b"!")

        def ended() -> bool:
            read_all(clients)
            return all(client.has_ended for client in clients.values())

        wait_until(ended, "the ends of the eight streams")

    assert {(client.status, client.received.endswith(REFUSED)) for client in refused} == {(429, True)}
    assert all(b"x-amzn-errortype: TooManyRequestsException" in client.received for client in refused)
    streamed = [client.received for client in clients.values() if client.status == 200]
    assert len(streamed) == ROOM
    assert all(received.endswith(b"0\r\n\r\n") for received in streamed)
    processes = {found[1] for received in streamed if (found := re.search(rb"process (\d+)\n", received))}
    assert len(processes) == ROOM


@pytest.mark.skipif(shutil.which("ab") is None, reason="ab, of Apache's tools, is not installed")
def test_ab_gets_every_one_of_a_thousand_answers(crowded: EmulatorProcess) -> None:
    done = subprocess.run(
        ["ab", "-q", "-n", "1000", "-c", "10", "-s", str(TIMEOUT_S), f"{crowded.urls['any']}value?value=42"],
        capture_output=True,
        text=True,
        timeout=10 * TIMEOUT_S,
        check=True,
    )

    figures = dict(re.findall(r"^([\w -]+):\s+(\d+)", done.stdout, re.MULTILINE))
    assert figures["Complete requests"] == "1000"
    assert figures["Failed requests"] == "0"
    assert figures["HTML transferred"] == str(1000 * len(json.dumps(42)))
    assert "Non-2xx responses" not in figures
