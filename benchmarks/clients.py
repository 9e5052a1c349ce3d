"""Who is measured: each client is a way to start one runtime, with a handler for each task."""

from __future__ import annotations

import importlib
import json
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import peers
from building import bare_python, build_program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from workloads import Workload

LIMIT = "C, one send a chunk"
OURS = "this layer"
OURS_ASYNC = "this layer, async"
AWS_PYTHON = "awslambdaric"
AWS_NODE = "Node.js"
PYTHON_FLOOR = "Python's floor"
STARLETTE = "Starlette, sync"
STARLETTE_ASYNC = "Starlette, async"


@dataclass(frozen=True)
class Client:
    """A runtime. `handlers` names its handler for each task, `start` the command for a handler."""

    name: str
    handlers: Mapping[str, str]
    start: Callable[[str], list[str]]
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path = peers.HANDLERS
    sends_every_chunk: bool = False

    def command(self, task: str) -> list[str]:
        """What the measuring server is to start."""
        return self.start(self.handlers[task])

    def environment(self, task: str) -> dict[str, str]:
        """The variables that Lambda sets, and nothing of the developer's shell but PATH."""
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        return {
            "PATH": os.environ["PATH"],
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_LAMBDA_FUNCTION_NAME": "bench",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": "us-east-1",
            "LAMBDA_TASK_ROOT": str(peers.HANDLERS),
            "PYTHONDONTWRITEBYTECODE": "1",
            "_HANDLER": self.handlers[task],
            **self.variables,
        }

    def streams(self, task: str) -> bool:
        """Whether the response to this task is streamed."""
        return self.name != AWS_PYTHON and task != "document"

    def expected_body(self, workload: Workload) -> int:
        """How many bytes the body of each response has, without a prelude."""
        if self.streams(workload.task):
            return workload.count * workload.size
        module, _, function = self.handlers[workload.task].partition(".")
        sys.path.insert(0, str(peers.HANDLERS))
        handler: Any = getattr(importlib.import_module(module), function)
        sys.path.pop(0)
        return len(json.dumps(handler(workload.event, None)))


def make_clients(scratch: Path, layer: Path) -> tuple[dict[str, Client], dict[str, str]]:
    """The clients by name, and the reasons why some are missing."""
    python, missing = str(bare_python(scratch)), {}
    clients = [_limit(scratch), _python_floor(python)]
    runtime = scratch / "no-runtime"
    try:
        runtime = peers.python_peers()
        clients += [_aws_python(python, runtime), *_starlette(scratch, python, runtime)]
    except peers.PeerMissingError as error:
        missing.update(dict.fromkeys((AWS_PYTHON, STARLETTE, STARLETTE_ASYNC), str(error)))
    try:
        clients.append(_aws_node())
    except peers.PeerMissingError as error:
        missing[AWS_NODE] = str(error)
    clients += _ours(layer, python, runtime)
    return {client.name: client for client in clients}, missing


def _limit(scratch: Path) -> Client:
    program = str(build_program(scratch, "limit"))
    return Client(LIMIT, {"chunks": ""}, lambda _: [program], sends_every_chunk=True)


def _python_floor(python: str) -> Client:
    return Client(PYTHON_FLOOR, {"chunks": ""}, lambda _: [python, str(peers.HANDLERS / "python_floor.py")])


def _ours(layer: Path, python: str, runtime: Path) -> list[Client]:
    """As Lambda starts a wrapper: with the interpreter and AWS's own bootstrap file."""

    def start(_: str) -> list[str]:
        return [str(layer / "streamify"), python, str(runtime / "bootstrap.py")]

    variables = {"LAMBDA_RUNTIME_DIR": str(runtime)}
    handlers = {
        "chunks": "generator.handler",
        "stamps": "stamps.handler",
        "fresh chunks": "fresh_chunks.handler",
        "document": "document.handler",
    }
    async_handlers = {
        "chunks": "async_generator.handler",
        "chunks beside a ticker": "ticker.beside_a_stream",
        "a ticker alone": "ticker.alone",
    }
    return [
        Client(OURS, handlers, start, variables, sends_every_chunk=True),
        Client(OURS_ASYNC, async_handlers, start, variables, sends_every_chunk=True),
    ]


def _aws_python(python: str, runtime: Path) -> Client:
    handlers = {"chunks": "value.handler", "document": "document.handler"}
    variables = {"LAMBDA_RUNTIME_DIR": str(runtime)}
    return Client(AWS_PYTHON, handlers, lambda _: [python, str(runtime / "bootstrap.py")], variables)


def _aws_node() -> Client:
    script = str(peers.node_client())
    return Client(
        AWS_NODE, {"chunks": "stream.chunks", "stamps": "stream.stamps"}, lambda handler: ["node", script, handler]
    )


def _starlette(scratch: Path, python: str, packages: Path) -> list[Client]:
    relay, app = str(build_program(scratch, "relay")), str(peers.HANDLERS / "web_app.py")
    variables = {"PYTHONPATH": str(packages)}

    def start(path: str) -> list[str]:
        return [relay, path, python, app]

    return [
        Client(STARLETTE, {"chunks": "/generator"}, start, variables),
        Client(STARLETTE_ASYNC, {"chunks": "/async_generator"}, start, variables),
    ]
