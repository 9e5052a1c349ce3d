"""Installs what the layer is measured against, into a cache folder outside of the repository."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli
from packaging.requirements import Requirement

from lambda_streamify_emulator.building.node_client import client_script, client_version, install_client
from lambda_streamify_emulator.errors import BuildError, InterpreterError
from lambda_streamify_emulator.processes.node import Node, find_node

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLERS = Path(__file__).parent / "handlers"
TIMEOUT_S = 900  # seconds; npm compiles curl for aws-lambda-ric


class PeerMissingError(Exception):
    """A peer cannot be installed here."""


def pins() -> list[str]:
    """The requirements of the project's dependency group `bench` on this Python."""
    groups = tomli.loads((HANDLERS.parents[1] / "pyproject.toml").read_text())["dependency-groups"]
    here = (one for one in map(Requirement, groups["bench"]) if one.marker is None or one.marker.evaluate())
    return sorted(f"{one.name}{one.specifier}" for one in here)


def python_peers() -> Path:
    """The folder with AWS's Python client and Starlette; it stands for /var/runtime."""

    def install(folder: Path) -> None:
        _run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *pins()])
        shutil.copy(HANDLERS / "aws_bootstrap.py", folder / "bootstrap.py")

    key = [*pins(), sys.version, (HANDLERS / "aws_bootstrap.py").read_text()]
    return _installed(f"python-{_digest(key)}", install)


def node_version() -> str:
    """What `node --version` says."""
    return _run(["node", "--version"]).strip()


def node_client() -> Path:
    """The script that starts AWS's Node.js client."""
    node = _node()
    return client_script(node, node_client_folder(node))


def node_client_folder(node: Node) -> Path:
    """The folder with AWS's client for `node`, installed as the emulator installs it."""

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, **streams, **options, text=True, timeout=TIMEOUT_S, check=False)

    def install(folder: Path) -> None:
        try:
            install_client(node, folder, run)
        except (BuildError, subprocess.TimeoutExpired) as error:
            raise PeerMissingError(str(error)) from error

    return _installed(f"node-{_digest([client_version(node), f'v{node.version}'])}", install)


def _node() -> Node:
    try:
        return find_node()
    except InterpreterError as error:
        raise PeerMissingError(str(error)) from error


def _installed(name: str, install: Callable[[Path], None]) -> Path:
    """The folder `name` of the cache. It appears when the installation is complete, never half of it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lambda-streamify-bench"
    folder, partial = cache / name, cache / f"{name}.partial"
    if not folder.exists():
        print(f"installing {name} into the cache", file=sys.stderr)
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        install(partial)
        partial.rename(folder)
    return folder


def _digest(values: list[str]) -> str:
    return hashlib.sha256("\0".join(values).encode()).hexdigest()[:12]


def _run(command: list[str], cwd: Path | None = None) -> str:
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise PeerMissingError(str(error)) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissingError(f"`{command[0]}` exited {done.returncode}: {last}")
    return done.stdout
