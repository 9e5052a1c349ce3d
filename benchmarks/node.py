"""AWS's client for Node.js, under the Node.js 22 of npm's package `node`, whatever is on the PATH."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import peers
from clients import Client

from lambda_streamify_emulator.building.node_client import client_script, client_version
from lambda_streamify_emulator.processes.node import Node

AWS_NODE = "Node.js 22"
VERSION = "22.23.3"


def client(*, build: bool) -> Client:
    """The client; without `build`, only if it has been built before. Raises PeerMissingError if it cannot be had."""
    node = Node(_program(build=build), VERSION)
    script = str(client_script(node, peers.node_client_folder(node, build=build)))
    handlers = {"chunks": "stream.chunks", "stamps": "stream.stamps"}
    return Client(AWS_NODE, handlers, lambda handler: [str(node.program), script, handler])


def versions() -> str:
    """What is measured, in words."""
    return f"v{VERSION}, aws-lambda-ric {client_version(Node(Path(), VERSION))}"


def _program(*, build: bool) -> Path:
    def install(folder: Path) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise peers.PeerMissingError("there is no `npm` to install it")
        # Its install script puts the program of this platform in place; newer versions of npm ask for the permission.
        package = {"private": True, "dependencies": {"node": VERSION}, "allowScripts": {"node": True}}
        (folder / "package.json").write_text(json.dumps(package))
        peers.run([npm, "install", "--no-package-lock", "--no-audit", "--no-fund"], cwd=folder)

    return peers.installed(f"nodejs-{VERSION}", install, build) / "node_modules" / "node" / "bin" / "node"
