"""AWS's runtime client for Node.js, installed from npm where the benchmarks keep it: it compiles for minutes."""

import fcntl
import os
from pathlib import Path

from benchmark_modules import benchmark
from lambda_streamify_emulator.building.node_client import client_folder, client_script
from lambda_streamify_emulator.errors import InterpreterError
from lambda_streamify_emulator.processes.node import Node, find_node


class NodeMissingError(Exception):
    """There is no Node.js here, or nothing to build its client with."""


def node_client() -> tuple[Path, Path]:
    """Return the program `node` and the script that starts the client; raises NodeMissingError with the reason."""
    node = _node()
    return node.program, client_script(node, _installed(node))


def share_node_client(cache: Path) -> None:
    """Put the client into the cache of an emulator, so that this one need not compile it again.

    Raises NodeMissingError.
    """
    node = _node()
    link = cache / client_folder(node)
    if not link.exists():  # else another module of the run has shared it
        link.symlink_to(_installed(node))


def _node() -> Node:
    try:
        return find_node()
    except InterpreterError as missing:
        raise NodeMissingError(str(missing)) from missing


def _installed(node: Node) -> Path:
    peers = benchmark("peers")
    lock = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lambda-streamify-bench.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests may run in several processes
        try:
            return Path(peers.node_client_folder(node))
        except peers.PeerMissingError as error:
            raise NodeMissingError(str(error)) from error
