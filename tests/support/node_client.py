"""AWS's runtime client for Node.js, installed from npm where the benchmarks keep it: it compiles for minutes."""

import fcntl
import importlib.util
import os
import shutil
from pathlib import Path
from typing import Any

from processes import ROOT


class NodeMissingError(Exception):
    """There is no Node.js here, or nothing to build its client with."""


def node_client() -> tuple[Path, Path]:
    """Return the program `node` and the script that starts the client; raises NodeMissingError with the reason."""
    node = shutil.which("node")
    if node is None:
        raise NodeMissingError("there is no `node` on the PATH")
    spec = importlib.util.spec_from_file_location("benchmark_peers", ROOT / "benchmarks" / "peers.py")
    assert spec is not None
    assert spec.loader is not None
    peers: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peers)
    lock = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lambda-streamify-bench.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # tests may run in several processes
        try:
            return Path(node), peers.node_client()
        except peers.PeerMissingError as error:
            reason = (
                f"aws-lambda-ric does not install (it needs npm, a C++ compiler, cmake, autoconf and libtool): {error}"
            )
            raise NodeMissingError(reason) from error
