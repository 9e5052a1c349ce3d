"""AWS's runtime client for Node.js, aws-lambda-ric, from npm. It compiles itself for minutes, so once for each Node.js.

The client is the code of AWS's own Node.js runtimes, so `awslambda.streamifyResponse` streams under it.
"""

import json
import os
from pathlib import Path
from shutil import which

from ..caching.cache import build_once, cache_folder
from ..errors import BuildError
from ..processes.node import Node
from .programs import Run
from .steps import Steps

CLIENT = "aws-lambda-ric"
# 4.x declares Node.js 22 in its package.json; 3.3.0 runs on Node.js 18 and 20.
_VERSION, _VERSION_BEFORE_22 = "4.0.2", "3.3.0"
# Where each version has the program that is in its package.json's "bin", and what it compiles.
_PLACES = {"4.0.2": ("index.mjs", "rapid-client.node"), "3.3.0": ("bin/index.mjs", "dist/rapid-client.node")}


def client_version(node: Node) -> str:
    """Return the version of the client that runs on `node`."""
    return _VERSION if node.major >= 22 else _VERSION_BEFORE_22


def client_folder(node: Node) -> str:
    """Return the name of the client's folder in the cache. What is compiled fits one version of Node.js only."""
    return f"{CLIENT}-{client_version(node)}-node-{node.version}"


def client_script(node: Node, folder: Path | None = None) -> Path:
    """Return the script that starts the client, in the cache or in the `folder` that it was installed into."""
    folder = cache_folder() / client_folder(node) if folder is None else folder
    return folder / "node_modules" / CLIENT / _PLACES[client_version(node)][0]


def fetch_client(node: Node, steps: Steps, run: Run) -> None:
    """Install the client into the cache if it is not there. Raises BuildError if that fails."""

    def build(folder: Path) -> None:
        what = f"{CLIENT} {client_version(node)} for Node.js {node.version}"
        with steps.installing(what, f"compiling {CLIENT}", " it compiles itself for minutes, once"):
            install_client(node, folder, run)

    build_once(client_folder(node), build)


def install_client(node: Node, folder: Path, run: Run) -> None:
    """Install the client into `folder`. Raises BuildError if that fails."""
    npm = which("npm")
    if npm is None:
        raise BuildError(f"{CLIENT}, which runs Node.js functions, is installed by npm: there is no `npm` on the PATH")
    package = {
        "private": True,
        "dependencies": {CLIENT: client_version(node)},
        "allowScripts": {CLIENT: True},  # it compiles itself; newer versions of npm require this
    }
    (folder / "package.json").write_text(json.dumps(package))
    # The compiled part must fit this `node`, so npm has to find no other one first.
    variables = {**os.environ, "PATH": f"{node.program.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = run([npm, "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=folder, env=variables)
    compiled = folder / "node_modules" / CLIENT / _PLACES[client_version(node)][1]
    if done.returncode or not compiled.exists():
        last = (done.stdout.strip().splitlines() or ["npm printed nothing"])[-1]
        needed = "npm, a C++ compiler, cmake, autoconf, automake, libtool and python3"
        raise BuildError(f"{CLIENT} {client_version(node)} does not install, which needs {needed}: {last}")
