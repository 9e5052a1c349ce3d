"""`streamify serve` on images with external extensions, which run beside the function in its container."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from docker import DockerClient

from emulator_process import EmulatorProcess, boto3_client, emulating
from gate import Gate
from processes import ROOT
from url_client import wire
from waiting import wait_until

OPT = ROOT / "tests" / "data" / "extensions" / "opt"
TAG = "lambda-streamify-tests:extensions"
TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 60
    FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
Resources:
  Story:
    Type: AWS::Serverless::Function
    Properties: {{PackageType: Image, ImageUri: {image}, FunctionName: story}}
  Brief:
    Type: AWS::Serverless::Function
    Properties: {{PackageType: Image, ImageUri: {image}, FunctionName: brief, Timeout: 1}}
  Crashing:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
      ImageUri: {image}
      FunctionName: crashing
      Environment: {{Variables: {{WATCHER_DOES: 'sys.exit(3)'}}}}
  Listing:
    Type: AWS::Serverless::Function
    Properties:
      PackageType: Image
      ImageUri: {image}
      FunctionName: listing
      Environment: {{Variables: {{OWN: mine, WATCHER_DOES: 'print("variables", *sorted(os.environ), os.getcwd())'}}}}
  Dying:
    Type: AWS::Serverless::Function
    Properties: {{PackageType: Image, ImageUri: {image}, FunctionName: dying, MemorySize: 128}}
"""


@pytest.fixture(scope="module")
def extended(image: str, docker_client: DockerClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image with the extension `watcher`."""
    context = tmp_path_factory.mktemp("extended")
    copytree(OPT, context / "opt")
    (context / "Dockerfile").write_text(f"FROM {image}\nCOPY opt /opt\n")
    docker_client.images.build(path=str(context), tag=TAG, rm=True)
    return TAG


@contextmanager
def serving(folder: Path, engine: str, image: str) -> Iterator[EmulatorProcess]:
    path = folder / "template.yaml"
    path.write_text(TEMPLATE.format(image=image))
    scratch, cache = folder / "scratch", folder / "cache"
    scratch.mkdir()
    variables = {"DOCKER_HOST": engine}
    with emulating(scratch, cache, template=path, parameters=(), measured=False, variables=variables) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def emulator(engine: str, extended: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with serving(tmp_path_factory.mktemp("extensions"), engine, extended) as emulator:
        yield emulator


@pytest.fixture
def host(docker_client: DockerClient) -> str:
    """The address of this machine for containers."""
    (network,) = docker_client.networks.list(names=["bridge"])
    return str(network.attrs["IPAM"]["Config"][0]["Gateway"])


def invoke(emulator: EmulatorProcess, function: str, asked: object) -> Any:
    answer = boto3_client(emulator.lambda_api).invoke(FunctionName=function, Payload=json.dumps(asked))
    return json.loads(answer["Payload"].read())


def containers(client: DockerClient, function: str) -> list[Any]:
    filters = {"label": "lambda-streamify", "name": f"^/streamify-{function}"}
    return [*client.containers.list(all=True, filters=filters, ignore_removed=True)]


def lines(log: str, function: str) -> list[str]:
    """Return the function's lines of the log."""
    return re.findall(rf"^.*?{function} \| (.*)$", log, re.MULTILINE)


def position(found: list[str], *begins: str) -> list[int]:
    """Return where the first line is that begins with each of these."""
    return [next(number for number, line in enumerate(found) if line.startswith(begin)) for begin in begins]


def test_an_extension_registers_before_the_first_event_and_a_stream_comes_chunk_by_chunk(
    engine: str, extended: str, tmp_path: Path, host: str, docker_client: DockerClient
) -> None:
    with serving(tmp_path, engine, extended) as emulator:
        with Gate(host) as gate, wire(emulator.urls["story"], "/", gate=gate.address) as response:
            response.read_until(b"one\r\n")
            gate.open()
            assert response.read_until(b"two\r\n") == b"3\r\ntwo\r\n"
        wait_until(lambda: "story | REPORT " in emulator.log(), "the report")
    found = lines(emulator.log(), "story")

    # What the extension prints itself, "registered" too, comes by another way than the emulator's own lines.
    begins = ("EXTENSION\tName: watcher\tState: Ready\tEvents: [INVOKE, SHUTDOWN]", "START", "REPORT")
    order = position(found, *begins, 'event {"eventType": "SHUTDOWN"')
    assert order == sorted(order)
    assert any(line.startswith("registered ") for line in found)
    assert '"shutdownReason": "spindown"' in found[order[-1]]
    wait_until(lambda: not containers(docker_client, "story"), "the end of the container")


def test_two_such_containers_run_at_a_time(emulator: EmulatorProcess, host: str) -> None:
    with Gate(host) as one, Gate(host) as two:
        url = emulator.urls["story"]
        with wire(url, "/", gate=one.address) as first, wire(url, "/", gate=two.address) as second:
            first.read_until(b"one\r\n")
            second.read_until(b"one\r\n")
            one.open()
            two.open()
            first.read_until(b"two\r\n")
            second.read_until(b"two\r\n")


def test_a_timeout_shuts_the_extension_down(emulator: EmulatorProcess, docker_client: DockerClient) -> None:
    with emulator.logged('"shutdownReason": "timeout"', "brief | REPORT "):
        assert invoke(emulator, "brief", {"seconds": 600})["errorType"] == "Sandbox.Timedout"
    wait_until(lambda: not containers(docker_client, "brief"), "the end of the container")


def test_an_extension_that_exits_is_a_crash(emulator: EmulatorProcess, docker_client: DockerClient) -> None:
    error = invoke(emulator, "crashing", {"plain": True})

    assert error["errorType"] == "Extension.Crash"
    assert error["errorMessage"].endswith("exit status 3")
    wait_until(lambda: not containers(docker_client, "crashing"), "the end of the container")


def test_a_container_that_dies_is_the_runtimes_error_and_not_the_extensions(emulator: EmulatorProcess) -> None:
    assert invoke(emulator, "dying", {"megabytes": 300})["errorType"] == "Runtime.OutOfMemory"
    assert "dying: the extension" not in emulator.log()


def test_the_extension_has_the_functions_variables_without_those_of_the_runtime(emulator: EmulatorProcess) -> None:
    with emulator.logged("listing | variables "):
        invoke(emulator, "listing", {"plain": True})
    (line,) = [line for line in lines(emulator.log(), "listing") if line.startswith("variables ")]
    names = line.split()

    assert {"OWN", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_FUNCTION_NAME", "PATH"} <= {*names}
    hidden = {"LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_LAMBDA_LOG_STREAM_NAME", "_AWS_XRAY_DAEMON_PORT"}
    assert not hidden & {*names}
    assert names[-1] == "/opt"


def test_a_file_that_cannot_be_executed_is_a_launch_error(
    engine: str, extended: str, docker_client: DockerClient, tmp_path: Path
) -> None:
    tag = "lambda-streamify-tests:not-executable"
    (tmp_path / "Dockerfile").write_text(f"FROM {extended}\nCOPY Dockerfile /opt/extensions/mine\n")
    docker_client.images.build(path=str(tmp_path), tag=tag, rm=True)
    with serving(tmp_path, engine, tag) as emulator:
        error = invoke(emulator, "story", {"plain": True})

    assert error["errorType"] == "Extension.LaunchError"
    assert "/opt/extensions/mine: permission denied" in error["errorMessage"]
    assert not docker_client.containers.list(all=True, filters={"ancestor": tag})
