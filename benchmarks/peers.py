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

from lambda_streamify_emulator.building.node_client import client_version, install_client
from lambda_streamify_emulator.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_streamify_emulator.processes.node import Node

HANDLERS = Path(__file__).parent / "handlers"
TIMEOUT_S = 900  # seconds; npm compiles curl for aws-lambda-ric


class PeerMissingError(Exception):
    """A peer cannot be installed here."""


def pins(group: str = "bench") -> list[str]:
    """The requirements of one of the project's dependency groups on this Python."""
    groups = tomli.loads((HANDLERS.parents[1] / "pyproject.toml").read_text())["dependency-groups"]
    here = (one for one in map(Requirement, groups[group]) if one.marker is None or one.marker.evaluate())
    return sorted(f"{one.name}{one.specifier}" for one in here)


def runtime() -> Path:
    """The folder with AWS's Python client, which stands for /var/runtime."""

    def install(folder: Path) -> None:
        _pip_install(folder, pins())
        shutil.copy(HANDLERS / "aws_bootstrap.py", folder / "bootstrap.py")

    return installed(f"python-{digest([*pins(), sys.version, (HANDLERS / 'aws_bootstrap.py').read_text()])}", install)


def packages(group: str) -> Path:
    """A folder with the packages of one of the project's dependency groups, and their bytecode."""
    wanted = pins(group)
    return installed(f"{group}-{digest([*wanted, sys.version])}", lambda folder: _pip_install(folder, wanted))


def _pip_install(folder: Path, wanted: list[str]) -> None:
    run([sys.executable, "-m", "pip", "install", "--quiet", "--target", str(folder), *wanted])


def node_client_folder(node: Node, *, build: bool = True) -> Path:
    """The folder with AWS's client for `node`, installed as the emulator installs it."""

    def run_npm(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, **streams, **options, text=True, timeout=TIMEOUT_S, check=False)

    def install(folder: Path) -> None:
        try:
            install_client(node, folder, run_npm)
        except (BuildError, subprocess.TimeoutExpired) as error:
            raise PeerMissingError(str(error)) from error

    return installed(f"node-{digest([client_version(node), f'v{node.version}'])}", install, build)


def cache_folder() -> Path:
    """Where the peers are kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lambda-streamify-bench"


def installed(name: str, install: Callable[[Path], None], build: bool = True) -> Path:  # noqa: FBT001, FBT002
    """The folder `name` of the cache. It appears when the installation is complete, never half of it."""
    folder, partial = cache_folder() / name, cache_folder() / f"{name}.partial"
    if folder.exists():
        return folder
    if not build:
        raise PeerMissingError("it takes minutes to build, which only a run without --quick does")
    print(f"installing {name} into the cache", file=sys.stderr)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    install(partial)
    partial.rename(folder)
    return folder


def digest(values: list[str]) -> str:
    """A short name for exactly these."""
    return hashlib.sha256("\0".join(values).encode()).hexdigest()[:12]


def run(command: list[str], cwd: Path | None = None) -> str:
    """What the command prints. Raises PeerMissingError if it fails."""
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
