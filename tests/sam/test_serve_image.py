"""`streamify serve` on functions whose package is an image, in a real Docker engine."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from emulator_process import RUNTIME, EmulatorProcess, boto3_client, emulating
from gate import Gate
from lambda_image import base_image
from processes import run
from url_client import wire
from waiting import wait_until

TEMPLATE = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  Function:
    Timeout: 60
Resources:
  Story:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: story
      PackageType: Image
      ImageUri: {image}
      MemorySize: 256
      Environment:
        Variables: {{OWN: "a b", LINES: "one\\ntwo", PATH_IS: $PATH}}
      FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
      Events:
        Streamed:
          Type: Api
          Properties: {{Path: /story, Method: GET, ResponseTransferMode: RESPONSE_STREAM}}
  Brief:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: brief
      PackageType: Image
      ImageUri: {image}
      Timeout: 1
  Aws:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: aws
      PackageType: Image
      ImageUri: {image}
      ImageConfig:
        EntryPoint: [/bin/sh, -c, 'echo "from $0"; exec /lambda-entrypoint.sh "$1"', overridden]
        Command: [app.lambda_handler]
        WorkingDirectory: /var/task
"""
LABEL = "lambda-streamify"


def containers(client: DockerClient, name: str = "") -> list[Any]:
    """Return the containers of emulators, of the function with this name if it is given."""
    filters = {"label": LABEL, "name": f"^/streamify-{name}"}
    return [*client.containers.list(all=True, filters=filters, ignore_removed=True)]


@contextmanager
def serving(folder: Path, engine: str, template: str, *options: str, **variables: str) -> Iterator[EmulatorProcess]:
    path = folder / "template.yaml"
    path.write_text(template)
    scratch, cache = folder / "scratch", folder / "cache"
    scratch.mkdir()
    given = {"DOCKER_HOST": engine, **variables}
    with emulating(scratch, cache, *options, template=path, parameters=(), measured=False, variables=given) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def emulator(engine: str, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with serving(
        tmp_path_factory.mktemp("images"),
        engine,
        TEMPLATE.format(image=image),
        SECRET="the developer's",  # noqa: S106
    ) as emulator:
        yield emulator


@pytest.fixture
def gate(docker_client: DockerClient) -> Iterator[Gate]:
    """A gate that containers reach."""
    (network,) = docker_client.networks.list(names=["bridge"])
    with Gate(network.attrs["IPAM"]["Config"][0]["Gateway"]) as gate:
        yield gate


def invoke(emulator: EmulatorProcess, function: str, asked: object) -> Any:
    answer = boto3_client(emulator.lambda_api).invoke(FunctionName=function, Payload=json.dumps(asked))
    return json.loads(answer["Payload"].read())


# --- streaming -------------------------------------------------------------------------------------------------------


def test_a_function_url_gets_each_chunk_before_the_next_one_is_made(emulator: EmulatorProcess, gate: Gate) -> None:
    with wire(emulator.urls["story"], "/", gate=gate.address) as response:
        head = response.read_until(b"\r\n\r\n")
        first = response.read_until(b"one\r\n")
        gate.open()
        second = response.read_until(b"two\r\n")

    assert head.startswith(b"HTTP/1.1 201 ")
    assert b"x-kind: brief\r\n" in head
    assert (first, second) == (b"3\r\none\r\n", b"3\r\ntwo\r\n")


def test_a_rest_api_gets_each_chunk_before_the_next_one_is_made(emulator: EmulatorProcess, gate: Gate) -> None:
    (api,) = emulator.apis.values()
    with wire(api, "/Prod/story", gate=gate.address) as response:
        response.read_until(b"one\r\n")
        gate.open()
        response.read_until(b"two\r\n")


def test_a_container_may_run_several_invocations_at_a_time(
    engine: str, image: str, docker_client: DockerClient, gate: Gate, tmp_path: Path
) -> None:
    before = {container.id for container in containers(docker_client, "story")}
    template = TEMPLATE.format(image=image)
    with (
        serving(tmp_path, engine, template, "--max-concurrency", "story=2") as emulator,
        Gate(gate.address.rpartition(":")[0]) as other,
        wire(emulator.urls["story"], "/", gate=gate.address) as first,
        wire(emulator.urls["story"], "/", gate=other.address) as second,
    ):
        for response in (first, second):
            response.read_until(b"one\r\n")
        running = {container.id for container in containers(docker_client, "story")} - before
        for response, opened in ((second, other), (first, gate)):
            opened.open()
            response.read_until(b"two\r\n")

    assert len(running) == 1


def test_the_lambda_api_gets_each_chunk_before_the_next_one_is_made(emulator: EmulatorProcess, gate: Gate) -> None:
    client = boto3_client(emulator.lambda_api)
    answer = client.invoke_with_response_stream(FunctionName="story", Payload=json.dumps({"gate": gate.address}))
    events = iter(answer["EventStream"])
    received = b""
    while not received.endswith(b"one"):
        received += next(events)["PayloadChunk"]["Payload"]
    gate.open()
    while not received.endswith(b"two"):
        received += next(events)["PayloadChunk"]["Payload"]
    (complete,) = (event["InvokeComplete"] for event in events if "InvokeComplete" in event)

    assert complete["ErrorCode"] == "Function.LookupError"


# --- what the function finds -----------------------------------------------------------------------------------------


def test_the_environment_is_lambdas_and_the_functions_own_and_the_images(emulator: EmulatorProcess) -> None:
    found = invoke(emulator, "story", {"plain": True})["environment"]

    assert found["AWS_LAMBDA_FUNCTION_NAME"] == "story"
    assert found["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert (found["OWN"], found["LINES"], found["PATH_IS"]) == ("a b", "one\ntwo", "$PATH")
    assert found["PATH"].startswith("/var/lang/bin:")
    assert "SECRET" not in found
    assert "DOCKER_HOST" not in found


def test_only_tmp_is_writable_as_on_lambda(emulator: EmulatorProcess) -> None:
    assert invoke(emulator, "story", {"plain": True})["writable"] == ["/tmp"]  # noqa: S108


def test_the_image_config_overrides_entry_point_and_command(emulator: EmulatorProcess) -> None:
    with emulator.logged("aws | from overridden\n", "aws | REPORT "):
        found = invoke(emulator, "aws", {"plain": True})

    assert found["environment"]["_HANDLER"] == "app.lambda_handler"
    assert found["environment"]["AWS_EXECUTION_ENV"] == f"AWS_Lambda_{RUNTIME}"
    assert found["folder"] == "/var/task"


def test_the_lambda_api_describes_the_image(emulator: EmulatorProcess, image: str) -> None:
    found = boto3_client(emulator.lambda_api).get_function(FunctionName="story")

    assert found["Configuration"]["PackageType"] == "Image"
    assert "Runtime" not in found["Configuration"]
    assert found["Code"] == {"RepositoryType": "ECR", "ImageUri": image}


# --- limits ----------------------------------------------------------------------------------------------------------


def test_a_container_ends_at_the_timeout_and_the_next_call_gets_another(
    emulator: EmulatorProcess, docker_client: DockerClient
) -> None:
    with emulator.logged("brief | I sleep\n", "brief | REPORT "):
        error = invoke(emulator, "brief", {"seconds": 600})

    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    wait_until(lambda: not containers(docker_client, "brief"), "the end of the container")
    assert invoke(emulator, "brief", {"plain": True})["folder"] == "/var/task"


def test_a_container_that_uses_too_much_memory_ends(emulator: EmulatorProcess) -> None:
    assert invoke(emulator, "story", {"megabytes": 300})["errorType"] == "Runtime.OutOfMemory"


def test_a_container_is_paused_between_invocations(emulator: EmulatorProcess, docker_client: DockerClient) -> None:
    invoke(emulator, "aws", {"plain": True})
    wait_until(lambda: [one.status for one in containers(docker_client, "aws")] == ["paused"], "the pause")
    (before,) = containers(docker_client, "aws")

    assert invoke(emulator, "aws", {"plain": True})["folder"] == "/var/task"

    wait_until(lambda: [one.status for one in containers(docker_client, "aws")] == ["paused"], "another pause")
    (after,) = containers(docker_client, "aws")
    assert after.id == before.id


# --- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_containers_end_with_the_emulator_and_foreign_ones_do_not(
    engine: str, image: str, docker_client: DockerClient, tmp_path: Path, number: signal.Signals
) -> None:
    with ExitStack() as stack:
        foreign = docker_client.containers.run(
            image, entrypoint=["/bin/sh", "-c", "read forever"], detach=True, stdin_open=True, labels={LABEL: "another"}
        )
        stack.callback(foreign.remove, force=True)
        emulator = stack.enter_context(serving(tmp_path, engine, TEMPLATE.format(image=image).replace("story", "ends")))
        invoke(emulator, "ends", {"plain": True})
        (ours,) = containers(docker_client, "ends")
        os.kill(emulator.process.pid, number)
        emulator.wait_until_ended()

        wait_until(lambda: not containers(docker_client, "ends"), f"the end of {ours.name}")
        emulator.assert_nothing_is_left()
        foreign.reload()
        assert foreign.status == "running"


# --- images that are not there ---------------------------------------------------------------------------------------

OTHERS = """\
  Absent:
    Type: AWS::Serverless::Function
    Properties: {PackageType: Image, ImageUri: "registry.invalid/absent:1"}
  Unbuilt:
    Type: AWS::Serverless::Function
    Metadata: {Dockerfile: Dockerfile, DockerContext: .}
    Properties: {PackageType: Image, ImageUri: "lambda-streamify-tests:unbuilt"}
  Plain:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: RUNTIME
      Handler: index.handler
      InlineCode: "def handler(event, context): return 'served'"
""".replace("RUNTIME", RUNTIME)


def test_an_image_that_cannot_be_had_is_named_with_the_reason_and_the_others_are_served(
    engine: str, image: str, tmp_path: Path
) -> None:
    with serving(tmp_path, engine, TEMPLATE.format(image=image) + OTHERS) as emulator:
        assert invoke(emulator, "story", {"plain": True})["folder"] == "/var/task"
        log = emulator.log()

    assert "installing the image registry.invalid/absent:1 with docker pull …\n" in log
    assert "Absent is not served: Docker has no image registry.invalid/absent:1, and cannot pull it: " in log
    assert "Unbuilt is not served: Docker has no image lambda-streamify-tests:unbuilt: run `sam build`\n" in log


def test_without_an_engine_the_functions_are_named_and_the_others_are_served(tmp_path: Path) -> None:
    with serving(tmp_path, f"unix://{tmp_path}/none", TEMPLATE.format(image="any") + OTHERS) as emulator:
        assert invoke(emulator, "Plain", {}) == "served"
        log = emulator.log()

    reason = f"Cannot connect to the Docker daemon at unix://{tmp_path}/none. Is the docker daemon running?"
    assert f"story is not served: its PackageType is Image, and no Docker engine answers: {reason}\n" in log


def test_an_image_that_is_built_again_runs_at_the_next_request(
    engine: str, image: str, docker_client: DockerClient, tmp_path: Path
) -> None:
    tag = "lambda-streamify-tests:again"

    def build(value: str) -> None:
        (tmp_path / "Dockerfile").write_text(f"FROM {image}\nENV BUILT={value}\n")
        docker_client.images.build(path=str(tmp_path), dockerfile="Dockerfile", tag=tag, rm=True)

    build("first")
    with serving(tmp_path, engine, TEMPLATE.format(image=tag)) as emulator:
        assert invoke(emulator, "story", {"plain": True})["environment"]["BUILT"] == "first"
        build("second")
        assert invoke(emulator, "story", {"plain": True})["environment"]["BUILT"] == "second"


@pytest.mark.usefixtures("_base")
def test_what_sam_build_makes_of_a_dockerfile_is_served(
    engine: str, sam_environment: dict[str, str], tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "app.py").write_text("def handler(event, context):\n    return 'built'\n")
    base = base_image(RUNTIME.removeprefix("python"))
    (project / "Dockerfile").write_text(f'FROM {base}\nCOPY app.py /var/task/\nCMD ["app.handler"]\n')
    template = """\
Transform: AWS::Serverless-2016-10-31
Resources:
  Built:
    Type: AWS::Serverless::Function
    Metadata: {Dockerfile: Dockerfile, DockerContext: ., DockerTag: tests}
    Properties: {PackageType: Image}
"""
    (project / "template.yaml").write_text(template)
    run("sam", "build", cwd=project, env={**sam_environment, "DOCKER_HOST": engine})
    built = (project / ".aws-sam" / "build" / "template.yaml").read_text()

    with serving(tmp_path, engine, built) as emulator:
        assert invoke(emulator, "Built", {}) == "built"
