"""What is measured by emulator.py: this project's emulator and AWS's, each as a process of its own."""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

PROJECT = Path(__file__).parent / "emulator_project"
LAYER = Path(__file__).parents[1] / "layers" / "streamify"
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
TIMEOUT_S = 120  # seconds for a start: the first one makes the environment that functions run in

# As in aws-sam-cli, which carries them.
_BINARIES = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}


class Emulator(NamedTuple):
    """One that runs: where it listens, and its process."""

    lambda_api: str
    urls: dict[str, str]
    process: int

    def resident_mb(self) -> float:
        """What the emulator itself holds, without its functions."""
        return self._status_mb("VmRSS")

    def peak_mb(self) -> float:
        """The most that it has held since the last `forget_peak`."""
        return self._status_mb("VmHWM")

    def forget_peak(self) -> None:
        """Begin the peak anew (proc(5), /proc/pid/clear_refs)."""
        Path(f"/proc/{self.process}/clear_refs").write_text("5")

    def _status_mb(self, name: str) -> float:
        lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def idle_mb(sandboxes: Collection[int]) -> float:
    """What these processes hold, once all of them are frozen; what they share is divided among them (Pss)."""
    deadline = time.monotonic() + TIMEOUT_S
    while not all(map(_is_stopped, sandboxes)):
        if time.monotonic() > deadline:
            raise RuntimeError("a sandbox that has answered is not frozen")
        time.sleep(0.1)
    return sum(map(_pss_mb, sandboxes))


def _is_stopped(process: int) -> bool:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _pss_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


@contextmanager
def ours(
    scratch: Path,
    template: Path = PROJECT / "template.yaml",
    program: Sequence[str] = (str(Path(sys.executable).with_name("streamify")),),
) -> Iterator[Emulator]:
    """`streamify serve`, without limits. `program` is what runs as `streamify`."""
    command = [
        *(*program, "serve", str(template)),
        *("--port", "0", "--json", "--limits", "none", "--parameter", f"PythonRuntime={RUNTIME}"),
    ]
    log = scratch / f"{template.parent.name}.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise RuntimeError(f"the emulator did not start:\n{log.read_text()}")
        addresses = json.loads(line)
        yield Emulator(addresses["lambda_api"], addresses["urls"], process.pid)
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT_S)


@contextmanager
def aws(scratch: Path, layer: Path, python: Path) -> Iterator[str]:
    """AWS's Runtime Interface Emulator with the function `value` under this layer; gives its address."""
    address, runtime_api = (f"127.0.0.1:{port}" for port in _free_ports(2))
    bootstrap = scratch / "bootstrap"
    start = shlex.join([f"{layer}/streamify", str(python), "/var/runtime/bootstrap.py"])
    bootstrap.write_text(f"#!/bin/sh\nexec {start}\n")
    bootstrap.chmod(0o755)
    variables = {
        "PATH": os.defpath,
        "LAMBDA_TASK_ROOT": str(PROJECT),
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "_HANDLER": "app.value",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "60",
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
    }
    command = [
        *(str(_executable(scratch)), "--runtime-interface-emulator-address", address),
        *("--runtime-api-address", runtime_api, "--log-level", "error", str(bootstrap)),
    ]
    with (scratch / "rie.log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=scratch,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_it_listens(address, process)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(TIMEOUT_S)


def _executable(scratch: Path) -> Path:
    """The binary; a copy, where the wheel was unpacked without its mode."""
    package = Path(str(files("samcli")))
    binary = package / "local" / "rapid" / _BINARIES[platform.machine()]
    if os.access(binary, os.X_OK):
        return binary
    copy = Path(shutil.copyfile(binary, scratch / binary.name))
    copy.chmod(0o755)
    return copy


def _free_ports(count: int) -> list[int]:
    """Ports that nobody has now; the binary takes no port 0."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait_until_it_listens(address: str, process: subprocess.Popen[bytes]) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + TIMEOUT_S
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(ConnectionRefusedError):
            socket.create_connection((host, int(port))).close()
            return
        time.sleep(0.01)
    raise RuntimeError(f"AWS's emulator does not listen on {address}; it exited {process.poll()}")
