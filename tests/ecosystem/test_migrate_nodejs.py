"""The handlers of the page on Node.js, in both languages, side by side."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documents import blocks
from emulator_process import RUNTIME, EmulatorProcess, emulating
from node_client import NodeMissingError, share_node_client
from processes import ROOT
from url_client import Reply, request

PAGE = ROOT / "docs" / "guides" / "migrate" / "nodejs.md"
(NODE,) = blocks(PAGE, "js")
RETURNED, OPENED = blocks(PAGE, "py")


def write_template(folder: Path) -> Path:
    """Return a template with the handlers of the page."""
    layer = {
        "Type": "AWS::Serverless::LayerVersion",
        "Metadata": {"BuildMethod": "makefile"},
        "Properties": {"ContentUri": str(ROOT / "layers" / "streamify")},
    }
    resources: dict[str, Any] = {"StreamifyLayer": layer}
    python: dict[str, Any] = {
        "Runtime": RUNTIME,
        "Handler": "app.lambda_handler",
        "Layers": [{"Ref": "StreamifyLayer"}],
        "Environment": {"Variables": {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/streamify"}},
    }
    node: dict[str, Any] = {"Runtime": "nodejs22.x", "Handler": "app.handler"}
    functions = {
        "node": ("app.mjs", NODE, node),
        "returned": ("app.py", RETURNED, python),
        "opened": ("app.py", OPENED, python),
    }
    for name, (file, code, properties) in functions.items():
        (folder / name).mkdir()
        (folder / name / file).write_text(code)
        own = {"FunctionName": name, "CodeUri": name, "Timeout": 60}
        url = {"FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"}}
        resources[name.title()] = {"Type": "AWS::Serverless::Function", "Properties": {**own, **properties, **url}}
    path = folder / "template.yaml"
    path.write_text(json.dumps({"Resources": resources}))
    return path


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    try:
        share_node_client(cache)  # before the first request: else the emulator would compile it again
    except NodeMissingError as missing:
        pytest.skip(str(missing))
    template = write_template(tmp_path_factory.mktemp("handlers"))
    with emulating(tmp_path_factory.mktemp("nodejs"), cache, template=template, parameters=()) as emulator:
        yield emulator


def answer(emulator: EmulatorProcess, name: str) -> Reply:
    return request(emulator.urls[name], "/path")


@pytest.mark.parametrize("name", ["returned", "opened"])
def test_python_answers_as_node_does(emulator: EmulatorProcess, name: str) -> None:
    node, python = answer(emulator, "node"), answer(emulator, name)

    assert node.body == python.body == "data: žluť\n\ndata: ends\n\n".encode()
    assert node.status == python.status == 201
    for header, values in {
        "content-type": ["text/event-stream"],
        "x-path": ["/path"],
        "set-cookie": ["seen=1; Path=/", "theme=dark"],
    }.items():
        assert node.all(header) == python.all(header) == values
    changing = {"date", "x-amzn-requestid", "x-amzn-trace-id"}
    assert {key.lower() for key, _ in node.headers} - changing == {key.lower() for key, _ in python.headers} - changing
