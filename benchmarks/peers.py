"""Installs what the layer is measured against, into a cache folder outside of the repository."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLERS = Path(__file__).parent / "handlers"
NODE_CLIENT = "3.3.0"  # of aws-lambda-ric; 4.x wants a newer Node.js than 20
_PATIENCE = 900  # seconds; npm compiles curl for aws-lambda-ric


class PeerMissingError(Exception):
    """A peer cannot be installed here."""


def pins() -> list[str]:
    """What the project's `bench` extra asks for on this Python."""
    all_of_them = map(Requirement, importlib.metadata.requires("lambda-streamify") or [])
    here = (one for one in all_of_them if one.marker and one.marker.evaluate({"extra": "bench"}))
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

    def install(folder: Path) -> None:
        package = {
            "private": True,
            "dependencies": {"aws-lambda-ric": NODE_CLIENT},
            "allowScripts": {"aws-lambda-ric": True},  # it compiles itself; newer versions of npm want to be told
        }
        (folder / "package.json").write_text(json.dumps(package))
        _run(["npm", "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=folder)
        if not (folder / "node_modules" / "aws-lambda-ric" / "dist" / "rapid-client.node").exists():
            raise PeerMissingError("aws-lambda-ric did not compile")

    folder = _installed(f"node-{_digest([NODE_CLIENT, node_version()])}", install)
    return folder / "node_modules" / "aws-lambda-ric" / "bin" / "index.mjs"


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
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise PeerMissingError(str(error)) from error
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise PeerMissingError(f"`{command[0]}` exited {done.returncode}: {last}")
    return done.stdout
