"""How long `streamify serve` takes until it serves a template, of many functions or of one."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import emulators

if TYPE_CHECKING:
    from pathlib import Path

_TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  PythonRuntime: {{Type: String}}
Globals:
  Function:
    Runtime: !Ref PythonRuntime
    Handler: app.handler
    Layers: [!Ref StreamifyLayer]
    Environment: {{Variables: {{AWS_LAMBDA_EXEC_WRAPPER: /opt/streamify}}}}
    FunctionUrlConfig: {{AuthType: NONE, InvokeMode: RESPONSE_STREAM}}
Resources:
  StreamifyLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {{BuildMethod: makefile}}
    Properties: {{ContentUri: {layer}}}
"""
_FUNCTION = """
  Function{number}:
    Type: AWS::Serverless::Function
    Properties: {{FunctionName: function-{number}, CodeUri: function-{number}/}}
"""


def write(folder: Path, count: int) -> Path:
    """Return a template of `count` functions, each with a URL and a folder of its own."""
    for number in range(count):
        code = folder / f"function-{number}"
        code.mkdir(parents=True)
        (code / "app.py").write_text("def handler(event, context):\n    yield b'hello'\n")
    template = folder / "template.yaml"
    functions = "".join(_FUNCTION.format(number=number) for number in range(count))
    template.write_text(_TEMPLATE.format(layer=emulators.LAYER) + functions)
    return template


def ready_s(scratch: Path, template: Path, count: int) -> float:
    """The seconds from the start of the command until it has said where all functions listen."""
    started = time.perf_counter()
    with emulators.ours(scratch, template) as emulator:
        seconds = time.perf_counter() - started
    if len(emulator.urls) != count:
        raise RuntimeError(f"{len(emulator.urls)} of {count} functions are served")
    return seconds
