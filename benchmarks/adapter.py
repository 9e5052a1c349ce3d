"""AWS's Lambda Web Adapter, the real program, as an extension beside the web servers that its users run."""

from __future__ import annotations

import random
import shutil
import socket
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import peers
from clients import Client

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "1.0.0-rc1"  # without a version, cargo takes 0.9.1
CRATE = "lambda_web_adapter"
BUILD_TIMEOUT_S = 40 * 60  # four minutes on two idle cores, and it runs with low priority on one

STARLETTE = "adapter, uvicorn, Starlette"
STARLETTE_STANDARD = "adapter, uvicorn[standard], Starlette"
FASTAPI = "adapter, uvicorn, FastAPI"
FASTAPI_STANDARD = "adapter, uvicorn[standard], FastAPI"
FLASK = "adapter, gunicorn, Flask"
CLIENTS = (STARLETTE, STARLETTE_STANDARD, FASTAPI, FASTAPI_STANDARD, FLASK)

TASKS = ("chunks", "sync chunks", "fresh chunks", "stamps", "failing chunks")
_SCRIPT = peers.HANDLERS / "web_server.sh"


def folder() -> Path:
    """Where the adapter is built once, for the benchmarks and the tests."""
    return peers.cache_folder().with_name("lambda-streamify") / f"lambda-adapter-{VERSION}"


def program() -> Path:
    """The adapter; builds it if that has not been done. Raises PeerMissingError if it cannot be built."""
    root = folder()
    built = root / "bin" / "lambda-adapter"
    if built.exists():
        return built
    cargo = shutil.which("cargo")
    if cargo is None:
        raise peers.PeerMissingError(f"the Lambda Web Adapter is not in {root}, and there is no `cargo` to build it")
    root.mkdir(parents=True, exist_ok=True)
    command = ["nice", "-n", "15", cargo, "install", CRATE, "--version", VERSION, "-j", "1", "--root", str(root)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise peers.PeerMissingError(f"cargo has not built {CRATE} {VERSION} in {BUILD_TIMEOUT_S} seconds") from error
    if done.returncode:
        raise peers.PeerMissingError(f"cargo cannot build {CRATE} {VERSION}: {done.stderr.strip()[-300:]}")
    return built


def clients(python: str, packages: Path, standard: Path) -> list[Client]:
    """The apps of `packages` behind it; `standard` is the folder with what uvicorn[standard] adds."""
    adapter = str(program())
    return [
        _client(STARLETTE, adapter, _uvicorn(python, "starlette_app"), packages),
        _client(STARLETTE_STANDARD, adapter, _uvicorn(python, "starlette_app"), standard, packages),
        _client(FASTAPI, adapter, _uvicorn(python, "fastapi_app"), packages),
        _client(FASTAPI_STANDARD, adapter, _uvicorn(python, "fastapi_app"), standard, packages),
        _client(FLASK, adapter, _gunicorn(python, "flask_app"), packages),
    ]


def _uvicorn(python: str, module: str) -> list[str]:
    options = ["--port", "{port}", "--no-access-log", "--log-level", "warning"]
    return [python, "-m", "uvicorn", *options, f"{module}:app"]


def _gunicorn(python: str, module: str) -> list[str]:
    """As the adapter's own examples for Flask start it: one worker, of the default kind."""
    options = ["-b=127.0.0.1:{port}", "-w=1", "--no-control-socket"]  # which would lie in the developer's home folder
    return [python, "-m", "gunicorn", *options, f"{module}:app"]


def _client(name: str, adapter: str, web_server: list[str], *packages: Path) -> Client:
    def start(_: str) -> list[str]:
        port = str(_free_port())
        return [str(_SCRIPT), port, adapter, *(word.replace("{port}", port) for word in web_server)]

    variables = {"AWS_LWA_INVOKE_MODE": "response_stream", "PYTHONPATH": ":".join(map(str, packages))}
    return Client(name, dict.fromkeys(TASKS, "web_server.sh"), start, variables)


def _free_port() -> int:
    """A port that is free now, below those that Linux gives to programs that ask for any."""
    while True:
        port = random.randrange(10_000, 32_000)  # noqa: S311 - it is no secret
        with suppress(OSError), socket.socket() as unused:
            unused.bind(("127.0.0.1", port))
            return port
