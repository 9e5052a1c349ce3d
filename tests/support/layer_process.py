"""A process of the built layer, started through its wrapper as Lambda starts it, with a clean environment."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from waiting import TIMEOUT_S


@contextmanager
def layer_process(
    layer: Path, api: str, task_root: Path, handler: str, **variables: str
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a function for the length of the block; its output can be read from the process."""
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    environment = {
        "PATH": os.defpath,
        "LAMBDA_TASK_ROOT": str(task_root),
        "AWS_LAMBDA_RUNTIME_API": api,
        "_HANDLER": handler,
        **coverage,
        **variables,
    }
    process = subprocess.Popen(
        [layer / "streamify", sys.executable, "/var/runtime/bootstrap.py"],
        cwd=task_root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield process
        process.wait(TIMEOUT_S)
    finally:
        process.kill()
        process.communicate()
