"""The package in a container image, built as docs/reference/handlers.md says, on AWS's base image or its look-alike.

Under AWS's Runtime Interface Emulator, which lies in such images, a response comes in one piece. That it leaves the
container piece by piece is seen at a Runtime API of the test's.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient

from emulator_process import RUNTIME
from gate import Gate
from request_events import event
from scripted_api import ACCEPTED, Peer, ScriptedApi, invocation
from sent import parse
from url_client import Reply, request
from waiting import wait_until

EMULATOR = "/usr/local/bin/aws-lambda-rie"
INVOCATIONS = "/2015-03-31/functions/function/invocations"
NULS = bytes(8)


@contextmanager
def container(client: DockerClient, image: str, *command: str, **options: Any) -> Iterator[Any]:
    """Run a container for the length of the block."""
    running = client.containers.run(image, list(command) or None, detach=True, **options)
    try:
        yield running
    finally:
        running.remove(force=True)


@contextmanager
def under_awss_emulator(client: DockerClient, image: str, *command: str, **options: Any) -> Iterator[str]:
    """Run a container whose entry point is AWS's emulator, or starts it; gives the emulator's address."""
    ports = {"8080/tcp": ("127.0.0.1", None)}
    with container(client, image, *command, ports=ports, **options) as running:
        running.reload()
        (address,) = running.ports["8080/tcp"]
        url = f"http://127.0.0.1:{address['HostPort']}"

        def serves() -> bool:
            with suppress(OSError, HTTPException):  # Docker's own proxy accepts connections before the emulator does
                return request(url, "/").status == 404
            return False

        wait_until(serves, "AWS's emulator serves")
        yield url


def invoke(url: str, asked: object) -> Reply:
    return request(url, INVOCATIONS, method="POST", body=json.dumps(asked).encode())


def asked_at_a_url(**query: str) -> Mapping[str, object]:
    return {**event("function-url"), "queryStringParameters": query}


@pytest.fixture(scope="module")
def emulated(docker_client: DockerClient, image: str) -> Iterator[str]:
    command = ("/var/lang/bin/python", "-m", "lambda_streamify", "app.lambda_handler")
    with under_awss_emulator(docker_client, image, *command, entrypoint=[EMULATOR]) as url:
        yield url


# --- under AWS's emulator --------------------------------------------------------------------------------------------


def test_the_package_is_the_one_that_pip_has_installed(emulated: str) -> None:
    found = invoke(emulated, {"plain": True}).json()

    assert found["package"] == f"/var/lang/lib/{RUNTIME}/site-packages/lambda_streamify/__init__.py"
    assert found["path"][0] == "/var/task"


def test_what_aws_brings_in_its_runtimes_folder_can_be_imported_last(emulated: str) -> None:
    found = invoke(emulated, {"plain": True}).json()

    assert found["boto3"] == "/var/runtime/boto3/__init__.py"
    assert found["path"][-1] == "/var/runtime"


def test_a_direct_caller_gets_the_chunks(emulated: str) -> None:
    assert invoke(emulated, {"any": "event"}).body.decode().endswith("/lambda_streamify/__init__.py\nżółw")


def test_a_function_url_gets_the_prelude_and_the_chunks(emulated: str) -> None:
    prelude, nuls, body = invoke(emulated, asked_at_a_url(any="thing")).body.partition(NULS)

    assert nuls
    assert json.loads(prelude) == {"statusCode": 200, "headers": {"content-type": "text/plain; charset=utf-8"}}
    assert body.decode().endswith("\nżółw")


def test_an_error_is_answered_and_the_next_call_works(emulated: str) -> None:
    error = invoke(emulated, {"fails": True}).json()

    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "no answer")
    assert invoke(emulated, {"any": "event"}).status == 200


def test_awss_own_entry_point_starts_the_layer_that_lies_in_opt(
    docker_client: DockerClient, image: str, build: Path
) -> None:
    environment = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}
    volumes = [f"{build / 'StreamifyLayer'}:/opt:ro"]
    entry = {"entrypoint": ["/lambda-entrypoint.sh"], "environment": environment, "volumes": volumes}
    with under_awss_emulator(docker_client, image, "app.lambda_handler", **entry) as url:
        found = invoke(url, {"plain": True}).json()

    assert found["main"] == "/opt/streamify-main.py"
    assert found["package"] == "/opt/python/lambda_streamify/__init__.py"


# --- at a Runtime API ------------------------------------------------------------------------------------------------


def test_each_chunk_leaves_the_container_before_the_next_one_is_made(
    docker_client: DockerClient, image: str, gate: Gate
) -> None:
    """The container's network is this machine's, so that the function reaches the test's Runtime API and its gate."""
    received = list[bytes]()

    def script(peer: Peer) -> None:
        peer.answer(invocation(asked_at_a_url(gate=gate.address)))
        received.append(peer.read_until(b"\r\n\r\n"))
        received.append(peer.read_until(b"one\r\n"))
        gate.open()
        received.append(peer.read_until(b"two\r\n"))
        received.append(peer.read_until(b"\r\n\r\n"))
        peer.send(ACCEPTED)
        received.append(peer.read_until(b"\r\n\r\n"))  # it asks for the next event, which it will not get

    with ScriptedApi(script) as api:
        environment = {"AWS_LAMBDA_RUNTIME_API": api.address}
        with container(docker_client, image, network_mode="host", environment=environment) as running:
            running.wait()

    *response, following = received
    sent = parse(b"".join(response))
    assert sent.headers["lambda-runtime-function-response-mode"] == "streaming"
    assert sent.prelude["statusCode"] == 201
    assert sent.prelude["headers"]["x-kind"] == "brief"
    assert sent.content == b"onetwo"
    assert (sent.trailed_error["errorType"], sent.trailed_error["errorMessage"]) == ("LookupError", "no third chunk")
    assert following.startswith(b"GET /2018-06-01/runtime/invocation/next ")
