"""Apps of the AWS CDK, synthesized by the CDK itself, under the emulator."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cdk import synthesize
from emulator_process import COMMAND, EmulatorProcess, emulating
from gate import Gate
from processes import ROOT
from url_client import request, wire


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("cdk"))


@pytest.fixture(scope="module")
def stories(assembly: Path, tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    scratch = tmp_path_factory.mktemp("stories")
    with emulating(scratch, cache, "--stack", "Stories", template=assembly, measured=False, parameters=()) as emulator:
        yield emulator


def test_a_url_and_a_method_stream(stories: EmulatorProcess) -> None:
    (url,), (api,) = stories.urls.values(), stories.apis.values()
    for address, path in ((url, "/"), (api, "/prod/stories")):
        with Gate() as gate, wire(address, path, gate=gate.address) as connection:
            assert connection.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
            for number in range(3):
                connection.read_until(b"chunk %d\n" % number)
                gate.open()
            assert b"".join(connection.read_on()).endswith(b"0\r\n\r\n")


def test_a_buffered_method_and_a_preflight_request_are_answered(stories: EmulatorProcess) -> None:
    (api,) = stories.apis.values()
    assert request(api, "/prod/stories/7", method="PUT").body == b"/stories/{id} PUT {'id': '7'}"
    preflight = request(api, "/prod/stories", method="OPTIONS")
    assert preflight.all("access-control-allow-origin") == ["https://page.example"]


def test_the_stack_has_to_be_named_and_nothing_is_wrong_with_it(assembly: Path) -> None:
    unclear = subprocess.run([COMMAND, "check", assembly], capture_output=True, text=True, check=False)
    assert unclear.returncode == 2
    assert unclear.stderr == f"error: {assembly}: choose one of its stacks with --stack NAME: Prod/Alone, Stories\n"

    for stack in ("Stories", "Prod/Alone", "Prod-Alone"):
        checked = subprocess.run(
            [COMMAND, "check", assembly, "--stack", stack], capture_output=True, text=True, check=False
        )
        assert (checked.returncode, "no known mistake" in checked.stderr) == (0, True), checked.stderr


LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return synthesize(tmp_path_factory.mktemp("example"), ROOT / "deploy" / "cdk", layer=LAYER)


def test_the_construct_makes_a_function_with_the_layer_and_a_url_that_streams(example: Path) -> None:
    resources = json.loads((example / "Hello.template.json").read_text())["Resources"].values()
    (function,) = (each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::Function")
    (url,) = (each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::Url")

    assert (function["Layers"], function["Timeout"]) == ([LAYER], 60)
    assert function["Environment"] == {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}}
    assert (url["InvokeMode"], url["AuthType"]) == ("RESPONSE_STREAM", "AWS_IAM")
    checked = subprocess.run([COMMAND, "check", example], capture_output=True, text=True, check=False)
    assert (checked.returncode, "no known mistake" in checked.stderr) == (0, True), checked.stderr
