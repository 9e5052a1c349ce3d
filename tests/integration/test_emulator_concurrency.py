"""Several invocations at a time in one sandbox, each in a process of its own: under the layer, and under AWS's client.

Streams are held at gates. So all of them run at the same time, however fast or slow the machine is.
"""

import json
import os
import re
import signal
import sys
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from emulator_process import RUNTIME, EmulatorProcess, boto3_client, emulating
from gate import Gate
from process_table import is_running, parent
from processes import ROOT
from url_client import Wire, wire
from waiting import wait_until

LAYER_STREAMS, TASK_STREAMS, CLIENT_INVOCATIONS = 8, 32, 4
TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Resources:
  Plain:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: plain
      Runtime: {runtime}
      Handler: app.handler
      CodeUri: code
      Timeout: 60
      MemorySize: 2048
      CapacityProviderConfig:
        Arn: !GetAtt Capacity.Arn
        PerExecutionEnvironmentMaxConcurrency: {number}
      FunctionUrlConfig: {{AuthType: NONE}}
  Capacity:
    Type: AWS::Serverless::CapacityProvider
    Properties:
      VpcConfig: {{SubnetIds: [subnet-1], SecurityGroupIds: [sg-1]}}
"""
TASKS = """
Transform: AWS::Serverless-2016-10-31
Resources:
  StreamifyLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: {layer}}}
  Tasks:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: tasks
      Runtime: {runtime}
      Handler: app.handler
      CodeUri: code
      Timeout: 60
      Layers: [!Ref StreamifyLayer]
      Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify, STREAMIFY_CONCURRENCY: tasks}}}}
      CapacityProviderConfig: {{Arn: any, PerExecutionEnvironmentMaxConcurrency: {number}}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
"""
ASYNC = """
import asyncio, os

async def handler(event, context):
    asked = event["queryStringParameters"]
    host, _, port = asked["gate"].rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for _ in range(int(asked["chunks"])):
        yield f"process {os.getpid()}\\n"
        writer.write(b"?")
        await reader.readexactly(1)
"""
PLAIN = """
import logging, os, socket

def handler(event, context):
    print("printed", flush=True)
    logging.getLogger().warning("logged for %s", event["name"])
    if "gate" in event:
        host, _, port = event["gate"].rpartition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"?")
            connection.recv(1)
    return {"name": event["name"], "process": os.getpid()}
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("records")


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory, cache: Path, records: Path) -> Iterator[EmulatorProcess]:
    """An emulator whose functions run under the layer, up to eight times at a time."""
    scratch = tmp_path_factory.mktemp("concurrency")
    options = ("--max-concurrency", str(LAYER_STREAMS), "--max-concurrency", "brief=2", "--record", str(records))
    with emulating(scratch, cache, *options, measured=False) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    """An emulator with a function of managed instances, which runs under AWS's own client."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "code").mkdir()
    (folder / "code" / "app.py").write_text(PLAIN)
    template = folder / "template.yaml"
    template.write_text(TEMPLATE.format(runtime=RUNTIME, number=CLIENT_INVOCATIONS))
    with emulating(folder, cache, template=template, measured=False, parameters=()) as emulator:
        yield emulator


class Stream(NamedTuple):
    """A stream that waits at its gate: after each line the function says its process again."""

    wire: Wire
    gate: Gate
    process: int

    def step(self) -> None:
        """Let the function write one more line, and read it."""
        self.gate.open()
        self.wire.read_until(b"process ")
        assert int(self.wire.read_until(b"\n")) == self.process

    def finish(self) -> None:
        """Let the function end, and read the end."""
        self.gate.open()
        self.wire.read_until(b"0\r\n\r\n")


@contextmanager
def streams(url: str, number: int, chunks: int) -> Iterator[list[Stream]]:
    """Run this many streams of that many lines; each has written one line, and waits."""
    with ExitStack() as stack:
        found = []
        for _ in range(number):
            gate = stack.enter_context(Gate())
            opened = stack.enter_context(wire(url, "/gated_processes", gate=gate.address, chunks=chunks))
            opened.read_until(b"process ")
            found.append(Stream(opened, gate, int(opened.read_until(b"\n"))))
        yield found


def shown_sandboxes(emulator: EmulatorProcess, function: str) -> list[dict[str, Any]]:
    """Return what the dashboard shows of a function's sandboxes."""
    with wire(emulator.lambda_api, "/dashboard/changes") as changes:
        changes.read_until(b"\r\n\r\n")
        changes.read_until(b"data: ")
        sandboxes: dict[str, list[dict[str, Any]]] = json.loads(changes.read_until(b"\n"))["sandboxes"]
    return sandboxes.get(function, [])


# --- under the layer -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc who has started a process")
def test_eight_streams_run_in_lockstep_in_one_sandbox_and_the_ninth_in_another(layer: EmulatorProcess) -> None:
    url = layer.urls["cases"]
    with streams(url, LAYER_STREAMS, 3) as held, streams(url, 1, 1) as ninth:
        processes = {stream.process for stream in held}
        (sandbox,) = {parent(process) for process in processes}
        assert len(processes) == LAYER_STREAMS
        assert parent(ninth[0].process) != sandbox
        assert [shown["running"] for shown in shown_sandboxes(layer, "cases")] == [LAYER_STREAMS, 1]
        for _ in range(2):
            for stream in held:
                stream.step()
        for stream in reversed(held):
            stream.finish()
        ninth[0].finish()

    # They are used again.
    with streams(url, LAYER_STREAMS, 1) as again:
        assert len({parent(stream.process) for stream in again}) == 1
        for stream in again:
            stream.finish()


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc how much memory the processes use")
def test_the_dashboard_shows_the_memory_of_all_processes_of_a_sandbox(layer: EmulatorProcess) -> None:
    def is_measured() -> bool:
        shown = shown_sandboxes(layer, "cases")
        return any(one["processes"] == LAYER_STREAMS + 1 and one["memory"] > 1024**2 for one in shown)

    with streams(layer.urls["cases"], 1, 1) as held:
        wait_until(is_measured, "the measurement of a sandbox with its workers and their parent")
        held[0].finish()


def test_a_client_that_leaves_ends_its_own_stream_alone(layer: EmulatorProcess) -> None:
    with streams(layer.urls["cases"], 3, 3) as held:
        leaving, *others = held
        leaving.wire.close()
        leaving.gate.close()
        for _ in range(2):
            for stream in others:
                stream.step()
        for stream in others:
            stream.finish()


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc who has started a process")
def test_the_death_of_a_worker_ends_its_own_stream_alone(layer: EmulatorProcess) -> None:
    url = layer.urls["cases"]
    with streams(url, 3, 3) as held:
        dying, *others = held
        sandbox = parent(dying.process)
        with layer.logged("the response was cut off"):
            os.kill(dying.process, signal.SIGKILL)
        for stream in others:
            stream.step()
        # The sandbox has one worker less.
        with streams(url, LAYER_STREAMS - 2, 1) as further:
            count = Counter(parent(stream.process) == sandbox for stream in further)
            assert count == {True: LAYER_STREAMS - 3, False: 1}
            for stream in further:
                stream.finish()
        for stream in others:
            stream.step()
            stream.finish()


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc who has started a process")
def test_the_death_of_the_first_process_ends_all_streams(layer: EmulatorProcess) -> None:
    with streams(layer.urls["cases"], 3, 3) as held, layer.logged(*["Runtime exited with error: signal: killed"] * 3):
        sandbox = parent(held[0].process)
        os.kill(sandbox, signal.SIGKILL)
        for stream in held:
            stream.wire.read_until(b"0\r\n\r\n")
        wait_until(lambda: not any(is_running(stream.process) for stream in held), "the end of the workers")


def test_a_stream_that_times_out_ends_alone(layer: EmulatorProcess, gate: Gate) -> None:
    with closing(boto3_client(layer.lambda_api)) as sdk:
        event = json.dumps({"case": "gated", "gate": gate.address, "chunks": 1})
        stream = sdk.invoke_with_response_stream(FunctionName="brief", Payload=event)["EventStream"]
        *_, complete = stream
        details = json.loads(complete["InvokeComplete"]["ErrorDetails"])
        assert complete["InvokeComplete"]["ErrorCode"] == "Sandbox.Timedout"
        assert details["errorMessage"].endswith("Task timed out after 1.00 seconds")
        answer = sdk.invoke(FunctionName="brief", Payload='{"case": "value", "value": "1"}')
        assert answer["Payload"].read() == b"1"


def test_an_error_after_the_first_chunk_keeps_the_type_that_the_layer_reports(layer: EmulatorProcess) -> None:
    with closing(boto3_client(layer.lambda_api)) as sdk:
        event = json.dumps({"case": "fails", "after": 1})
        stream = sdk.invoke_with_response_stream(FunctionName="cases", Payload=event)["EventStream"]
        *chunks, complete = stream
    assert len(chunks) == 1
    assert complete["InvokeComplete"]["ErrorCode"] == "Function.LookupError"  # a form that managed instances know
    assert json.loads(complete["InvokeComplete"]["ErrorDetails"])["errorType"] == "LookupError"


def test_recordings_of_streams_that_run_at_the_same_time_stay_apart(layer: EmulatorProcess, records: Path) -> None:
    before = set(records.iterdir())
    with streams(layer.urls["cases"], 3, 2) as held:
        for stream in held:
            stream.step()
        for stream in held:
            stream.finish()
    processes = {stream.process for stream in held}

    def recorded() -> list[set[str]]:
        files = [path for path in records.iterdir() if path not in before and path.name.endswith(".client.ndjson")]
        return [set(re.findall(r"process (\d+)", path.read_text())) for path in files]

    wait_until(lambda: sum(map(len, recorded())) == 3, "three recordings")
    assert sorted(map(tuple, recorded())) == sorted((str(process),) for process in processes)


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc how many processes there are")
def test_streams_that_are_tasks_run_in_lockstep_in_one_process(tmp_path: Path, cache: Path) -> None:
    template = tmp_path / "template.yaml"
    template.write_text(TASKS.format(layer=ROOT / "layers" / "streamify", runtime=RUNTIME, number=TASK_STREAMS))
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(ASYNC)
    with (
        emulating(tmp_path, cache, template=template, measured=False, parameters=()) as emulator,
        streams(emulator.urls["tasks"], TASK_STREAMS, 3) as held,
    ):
        assert len({stream.process for stream in held}) == 1
        leaving, *others = held
        leaving.wire.close()
        for _ in range(2):
            for stream in others:
                stream.step()
        (shown,) = shown_sandboxes(emulator, "tasks")
        assert (shown["running"], shown["processes"]) == (TASK_STREAMS, 1)
        for stream in reversed(others):
            stream.finish()
        leaving.gate.close()


# --- under AWS's client ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="it reads in /proc who has started a process")
def test_awss_client_runs_as_many_invocations_at_a_time_as_the_template_says(client: EmulatorProcess) -> None:
    path = "/2015-03-31/functions/plain/invocations"
    with ExitStack() as stack:
        held = []
        for number in range(CLIENT_INVOCATIONS):
            gate = stack.enter_context(Gate())
            event = json.dumps({"name": number, "gate": gate.address}).encode()
            opened = stack.enter_context(
                wire(client.lambda_api, path, head=f"Content-Length: {len(event)}", body=event)
            )
            gate.wait_for_function()
            held.append((opened, gate))
        found = []
        for number, (opened, gate) in reversed(list(enumerate(held))):
            gate.open_for_waiting()
            opened.read_until(b"{")
            answer = json.loads(b"{" + opened.read_until(b"}"))
            assert answer["name"] == number
            found.append(answer["process"])
    assert len(set(found)) == CLIENT_INVOCATIONS
    assert len({parent(process) for process in found}) == 1


def test_the_log_that_the_caller_gets_has_the_lines_that_name_its_invocation(client: EmulatorProcess) -> None:
    with closing(boto3_client(client.lambda_api)) as sdk, client.logged("plain | printed"):
        answer = sdk.invoke(FunctionName="plain", Payload='{"name": "mine"}', LogType="Tail")
        request_id = answer["ResponseMetadata"]["RequestId"]
        lines = b64decode(answer["LogResult"]).decode().splitlines()
    assert json.loads(lines[1])["requestId"] == request_id
    assert json.loads(lines[1])["message"] == "logged for mine"
    assert [line.split()[0] for line in (lines[0], *lines[2:])] == ["START", "END", "REPORT"]
