"""The patch of the page on awslambdaric, under the real client, beside the handler that replaces it."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from documents import blocks
from emulator_process import RUNTIME, EmulatorProcess, boto3_client, emulating
from gate import Gate
from processes import ROOT
from url_client import request

PAGE = ROOT / "docs" / "guides" / "migrate" / "patched-client.md"
PATCHED, MOVED = blocks(PAGE, "py")
SIGNATURE = 'def post_nothing(self, invoke_id, result_data, content_type="application/json"):'
# The Runtime API has to have seen the first chunk before the client reports the error, on another connection.
RAISING = 'raise ValueError("no more chunks")'
GATED = f"""with __import__("socket").create_connection(event["gate"]) as gate:
            gate.sendall(b"?")
            gate.recv(1)
        {RAISING}"""
WIDER = 'def post_nothing(self, invoke_id, result_data, content_type="application/json", invocation_id=None):'


def write_template(folder: Path) -> Path:
    """Return a template with the handlers of the page, and the patch with the argument that it lacks."""
    layer = {
        "Type": "AWS::Serverless::LayerVersion",
        "Metadata": {"BuildMethod": "makefile"},
        "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")},
    }
    resources: dict[str, Any] = {"StreamifyLayer": layer}
    on_the_layer = {
        "Layers": [{"Ref": "StreamifyLayer"}],
        "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}},
    }
    assert SIGNATURE in PATCHED
    functions: dict[str, tuple[str, dict[str, Any]]] = {
        "patched": (PATCHED, {}),
        "wider": (PATCHED.replace(SIGNATURE, WIDER), {}),
        "moved": (MOVED, on_the_layer),
    }
    for name, (code, properties) in functions.items():
        (folder / name).mkdir()
        assert RAISING in code
        (folder / name / "app.py").write_text(code.replace(RAISING, GATED))
        own = {
            "FunctionName": name,
            "CodeUri": name,
            "Timeout": 60,
            "Runtime": RUNTIME,
            "Handler": "app.lambda_handler",
        }
        url = {"FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}}
        resources[name.title()] = {"Type": "AWS::Serverless::Function", "Properties": {**own, **properties, **url}}
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Resources": resources}))
    return path


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    template = write_template(tmp_path_factory.mktemp("handlers"))
    with emulating(tmp_path_factory.mktemp("patched"), cache, template=template, parameters=()) as emulator:
        yield emulator


def complete(emulator: EmulatorProcess, name: str) -> dict[str, str]:
    """Return how Lambda says that a stream ended whose generator raises."""
    with closing(boto3_client(emulator.lambda_api)) as sdk, Gate() as gate:
        host, port = gate.address.split(":")
        payload = json.dumps({"rawPath": "/fails", "gate": [host, int(port)]})
        first, *_, last = opening(gate, sdk.invoke_with_response_stream(FunctionName=name, Payload=payload))
        assert first["PayloadChunk"]["Payload"].endswith(b"one\n")
        return dict(last["InvokeComplete"])


def opening(gate: Gate, answer: Any) -> Iterator[Any]:
    """Yield the events of a stream; open the gate after the first one."""
    for number, event in enumerate(answer["EventStream"]):
        if number == 0:
            gate.open()
        yield event


def test_a_replacement_with_three_arguments_makes_each_request_a_cold_start(emulator: EmulatorProcess) -> None:
    problem = "TypeError: post_nothing() takes from 3 to 4 positional arguments but 5 were given"
    for _ in range(2):
        with emulator.logged(f"patched | {problem}", "patched | REPORT ") as lines:
            assert request(emulator.urls["patched"]).body == b"one\ntwo\n"
        (report,) = (line for line in lines if line.startswith("patched | REPORT "))
        assert "Init Duration: " in report


def test_a_replacement_that_takes_the_fourth_argument_streams(emulator: EmulatorProcess) -> None:
    assert request(emulator.urls["wider"]).body == b"one\ntwo\n"
    assert request(emulator.urls["wider"]).body == b"one\ntwo\n"
    assert "TypeError" not in "".join(line for line in emulator.log().splitlines() if line.startswith("wider"))


def test_the_client_sees_neither_status_nor_content_type_of_a_patched_function(emulator: EmulatorProcess) -> None:
    patched, moved = request(emulator.urls["wider"]), request(emulator.urls["moved"])

    assert patched.all("content-type") == ["application/octet-stream"]
    assert moved.all("content-type") == ["text/plain"]
    assert patched.body == moved.body


def test_an_error_in_mid_stream_ends_the_process_and_its_type_reaches_no_caller(emulator: EmulatorProcess) -> None:
    with emulator.logged("wider | Runtime exited with error: exit status 1"):
        assert complete(emulator, "wider")["ErrorCode"] == "Runtime.ExitError"

    moved = complete(emulator, "moved")
    assert "ValueError" in moved["ErrorCode"]
    assert "no more chunks" in moved["ErrorDetails"]
    assert "moved | Runtime exited" not in emulator.log()
