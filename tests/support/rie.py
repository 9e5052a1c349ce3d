"""AWS's own Runtime Interface Emulator, the binary that ships inside aws-sam-cli, running the built layer's runtime.

It answers in one piece and hides trailers, so it shows no streaming. What it does show is that a Runtime API which is
not ours accepts what the runtime sends: the same Go code runs in Lambda's own sandbox.
"""

import json
import os
import platform
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from socket import SO_REUSEADDR, SOL_SOCKET, create_connection, socket
from typing import Any, NamedTuple

from process_table import running_in_session

TIMEOUT_S = 20  # seconds; no wait is longer. Nothing here takes one second on an idle machine.
EXECUTION_ENVIRONMENT = f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}"

_BINARIES = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64", "arm64": "aws-lambda-rie-arm64"}
_INVOCATIONS = "/2015-03-31/functions/function/invocations"
_START = re.compile(r"^START RequestId: (\S+)", re.MULTILINE)
_PLATFORM_LINE = re.compile(r"(START|END|REPORT) RequestId: ")


class Answer(NamedTuple):
    """What the caller of one invocation got."""

    status: int
    body: bytes
    request_id: str


class Rie:
    """One emulator and, from its first invocation on, one sandbox in it."""

    def __init__(self, layer: Path, task_root: Path, handler: str, scratch: Path, **variables: str) -> None:
        self._log = scratch / "stdout"  # the emulator's and the function's
        self._errors = scratch / "stderr"
        # The emulator takes no port 0. A port that is bound here, without listening, is given to nobody who asks for
        # any free one, while the emulator may still listen on it: both sides set SO_REUSEADDR, as Go does by itself.
        self._ports = _bound(), _bound()
        address, runtime_api = (f"127.0.0.1:{port.getsockname()[1]}" for port in self._ports)
        command: list[str | Path] = [
            _executable(scratch),
            *("--runtime-interface-emulator-address", address),
            *("--runtime-api-address", runtime_api),
            *("--log-level", "error"),
            _bootstrap(layer, scratch),
        ]
        environment = {
            "PATH": os.defpath,
            "LAMBDA_TASK_ROOT": str(task_root),
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": handler,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(TIMEOUT_S // 2),
            **{name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")},
            **variables,
        }
        with self._log.open("wb") as log, self._errors.open("wb") as errors:
            # The emulator puts the sandbox into a process group of its own, but never into another session.
            self._process = subprocess.Popen(
                command,
                cwd=scratch,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=errors,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Return when the emulator accepts connections."""
        self._wait_until(self._accepts, "it accepts connections")

    def invoke(self, event: object) -> Answer:
        """Send one event and return the answer."""
        before = self._log.stat().st_size
        host, port = self._ports[0].getsockname()
        connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
        try:
            connection.request("POST", _INVOCATIONS, json.dumps(event, ensure_ascii=False).encode())
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        request_ids = _START.findall(self._log_since(before))
        assert len(request_ids) == 1, request_ids
        return Answer(response.status, body, request_ids[0])

    @contextmanager
    def logged(self) -> Iterator[list[str]]:
        """Give what the function writes during the block, line by line, once the block has ended.

        A function may still write when its caller has the answer, but not when the next invocation has been answered.
        """
        before, lines = self._log.stat().st_size, list[str]()
        yield lines
        # Not splitlines: inside a record, lines end in a carriage return.
        lines += [line for line in self._log_since(before).split("\n") if line and not _PLATFORM_LINE.match(line)]

    def processes(self) -> set[int]:
        """Return the ids of the running processes: the emulator, and its sandbox if there is one."""
        return running_in_session(self._process.pid)

    def stop(self) -> None:
        """End the sandbox, then the emulator, and make sure that both are gone."""
        try:
            # The emulator would kill the sandbox, and with it what coverage has counted.
            for sandbox in self._sandboxes():
                _signal(sandbox, signal.SIGTERM)
            self._wait_until(lambda: not self._sandboxes(), "its sandbox ends")
            self._process.terminate()
            self._process.wait(TIMEOUT_S)
        finally:
            left = self.processes()
            for process in left:
                _signal(process, signal.SIGKILL)
            self._process.wait(TIMEOUT_S)
            for port in self._ports:
                port.close()
        assert not left, f"processes that outlived the emulator: {left}"

    def _sandboxes(self) -> set[int]:
        return self.processes() - {self._process.pid}

    def _accepts(self) -> bool:
        with suppress(ConnectionRefusedError):
            create_connection(self._ports[0].getsockname(), timeout=TIMEOUT_S).close()
            return True
        return False

    def _wait_until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            assert self._process.poll() is None, f"the emulator ended before {what}: {self._errors.read_text()}"
            assert time.monotonic() < deadline, f"the emulator runs, but not yet so that {what}"
            time.sleep(0.005)

    def _log_since(self, offset: int) -> str:
        with self._log.open("rb") as log:
            log.seek(offset)
            return log.read().decode()


@contextmanager
def running(layer: Path, task_root: Path, handler: str, scratch: Path, **variables: str) -> Iterator[Rie]:
    """Run an emulator for the length of the block."""
    rie = Rie(layer, task_root, handler, scratch, **variables)
    try:
        rie.wait_until_ready()
        yield rie
    finally:
        rie.stop()


def _bound() -> socket:
    bound = socket()
    bound.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
    bound.bind(("127.0.0.1", 0))
    return bound


def aws_emulator() -> Path:
    """Return the emulator of aws-sam-cli, which may have been unpacked without its mode."""
    spec = find_spec("samcli")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "local" / "rapid" / _BINARIES[platform.machine()]


def _executable(scratch: Path) -> Path:
    """Return the emulator; a copy, where it may not be executed."""
    binary = aws_emulator()
    if os.access(binary, os.X_OK):
        return binary
    copy = Path(shutil.copyfile(binary, scratch / binary.name))
    copy.chmod(0o755)
    return copy


def _bootstrap(layer: Path, scratch: Path) -> Path:
    """Write what stands for /var/runtime/bootstrap of AWS's images, which starts the wrapper in this way."""
    command = shlex.join([f"{layer}/streamify", sys.executable, "/var/runtime/bootstrap.py"])
    bootstrap = scratch / "bootstrap"
    bootstrap.write_text(f"#!/bin/sh\nexport AWS_EXECUTION_ENV={EXECUTION_ENVIRONMENT}\nexec {command}\n")
    bootstrap.chmod(0o755)
    return bootstrap


def _signal(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def function_url_event(**fields: Any) -> dict[str, Any]:
    """Return as much of a function URL's event as tells the runtime that it is one."""
    http = {"method": "GET", "path": "/"}
    domain_name = "abcdefgh.lambda-url.eu-central-1.on.aws"
    return {"version": "2.0", "requestContext": {"domainName": domain_name, "http": http}, **fields}
