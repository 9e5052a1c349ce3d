"""The layer itself, AWS's runtime for Python, and what bounds both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import peers
from building import build_program
from clients import Client

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LIMIT = "C, one send a chunk"
PYTHON_FLOOR = "Python's floor"
OURS = "this layer"
OURS_ASYNC = "this layer, async"
AWS_PYTHON = "awslambdaric"


def limit(scratch: Path) -> Client:
    """The system calls of a streaming runtime and nothing else."""
    program = str(build_program(scratch, "limit"))
    return Client(LIMIT, {"chunks": ""}, lambda _: [program], sends_every_chunk=True)


def python_floor(python: str, name: str = PYTHON_FLOOR, module: str = "", packages: Path | None = None) -> Client:
    """The least that any runtime in Python does, after the import of `module`."""
    command = [python, str(peers.HANDLERS / "python_floor.py"), *([module] if module else [])]
    variables = {"PYTHONPATH": str(packages)} if packages else {}
    return Client(name, {"chunks": ""}, lambda _: command, variables)


def aws_python(python: str, runtime: Path) -> Client:
    """AWS's runtime for Python, which does not stream."""
    handlers = {"chunks": "value.handler", "document": "document.handler"}
    variables = {"LAMBDA_RUNTIME_DIR": str(runtime)}
    return Client(AWS_PYTHON, handlers, lambda _: [python, str(runtime / "bootstrap.py")], variables, streaming=False)


def ours(layer: Path, python: str, runtime: Path) -> list[Client]:
    """Handlers that import nothing."""
    handlers = {
        "chunks": "generator.handler",
        "sync chunks": "generator.handler",
        "stamps": "stamps.handler",
        "fresh chunks": "fresh_chunks.handler",
        "failing chunks": "failing_chunks.handler",
        "document": "document.handler",
    }
    async_handlers = {
        "chunks": "async_generator.handler",
        "chunks beside a ticker": "ticker.beside_a_stream",
        "a ticker alone": "ticker.alone",
    }
    return [
        on_layer(OURS, handlers, layer, python, runtime),
        on_layer(OURS_ASYNC, async_handlers, layer, python, runtime),
    ]


def on_layer(
    name: str,
    handlers: dict[str, str],
    layer: Path,
    python: str,
    runtime: Path,
    *,
    packages: Sequence[Path] = (),
    **variables: str,
) -> Client:
    """As Lambda starts a wrapper: with the interpreter and AWS's own bootstrap file."""
    command = [str(layer / "streamify"), python, str(runtime / "bootstrap.py")]
    variables["LAMBDA_RUNTIME_DIR"] = str(runtime)
    if packages:
        variables["PYTHONPATH"] = ":".join(map(str, packages))
    return Client(name, handlers, lambda _: command, variables, sends_every_chunk=True)
