"""Servers of other people's that tests start: a free port for each, and an end in good order."""

import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from waiting import TIMEOUT_S, wait_until


@contextmanager
def listening(
    command: Sequence[str], port: int, folder: Path, environment: Mapping[str, str], log: Path
) -> Iterator[None]:
    """Run the command in this folder, and the block once it listens at the port. What it prints goes to the log."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        wait_until(lambda: process.poll() is not None or _listens(port), f"{command[0]} to listen")
        assert process.poll() is None, f"{command} has ended: {log.read_text(errors='replace')}"
        yield
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port() -> int:
    """Return a port of this machine that nothing listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), TIMEOUT_S):
        return True
    return False
