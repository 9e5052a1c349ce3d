"""The `streamify` command as people run it: a real process, watched from outside."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from process_table import command_line, running_in_session
from processes import ROOT, clean_environment
from waiting import TIMEOUT_S, wait_until

TEMPLATE = ROOT / "tests" / "data" / "emulator" / "template.yaml"
COMMAND = Path(sys.executable).with_name("streamify")
# The functions run on the interpreter that runs the tests, which is there and which coverage is installed for.
RUNTIME = f"python{sys.version_info[0]}.{sys.version_info[1]}"
PARAMETERS = ("--parameter", f"PythonRuntime={RUNTIME}")


class EmulatorProcess:
    """`streamify serve` on ports of its own, in a session of its own, with a folder of its own for temporary files."""

    def __init__(
        self,
        template: Path,
        scratch: Path,
        cache: Path,
        *options: str,
        parameters: Sequence[str] = PARAMETERS,
        **variables: str,
    ) -> None:
        self.scratch = scratch / "tmp"
        self.scratch.mkdir()
        self._log = scratch / "stderr"
        command: list[str | Path] = [COMMAND, "serve", template, "--port", "0", "--json", *parameters, *options]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                cwd=scratch,
                env=environment(cache, TMPDIR=str(self.scratch), **variables),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self.lambda_api = ""
        self.urls: dict[str, str] = {}
        self.apis: dict[str, str] = {}
        self.credentials: dict[str, str] = {}

    def wait_until_ready(self) -> None:
        """Return when the emulator has said where it listens."""
        addresses = json.loads(self._first_line())
        self.lambda_api, self.urls = addresses["lambda_api"], addresses["urls"]
        self.apis = addresses["apis"]
        self.credentials = addresses["credentials"]

    def log(self) -> str:
        """Return what the emulator has written to standard error by now: its own lines and its functions'."""
        return self._log.read_text()

    @contextmanager
    def logged(self, *expected: str) -> Iterator[list[str]]:
        """Wait until what is written from the block on holds these texts; then give its lines."""
        before, lines = self._log.stat().st_size, list[str]()
        yield lines

        def since() -> str:
            return self._log.read_bytes()[before:].decode()

        wait_until(lambda: all(text in since() for text in expected), f"{expected} in the log {since()!r}")
        lines += since().splitlines()

    def processes(self) -> set[int]:
        """Return the ids of the emulator's process and of all that it has started and that have started more."""
        return running_in_session(self.process.pid)

    def wait_until_ended(self) -> int:
        """Return the exit status; the process has to end by itself."""
        try:
            return self.process.wait(TIMEOUT_S)
        finally:
            assert self.process.stdout is not None
            self.process.stdout.close()

    def assert_nothing_is_left(self) -> None:
        """Fail if a process or a temporary file of the emulator's outlives it by more than a moment."""
        wait_until(lambda: not self.processes(), f"the end of {list(map(command_line, self.processes()))}")
        wait_until(lambda: not list(self.scratch.iterdir()), f"the end of {list(self.scratch.iterdir())}")

    def stop(self) -> None:
        """End the emulator and make sure that it leaves nothing."""
        try:
            self.process.send_signal(signal.SIGINT)
            assert self.wait_until_ended() == 0, self.log()
            self.assert_nothing_is_left()
            # A function's own would have its name before it.
            assert "\nTraceback" not in f"\n{self.log()}", self.log()
        finally:
            self.kill()

    def kill(self) -> None:
        """End what is still there, whatever a test has made of it."""
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self.wait_until_ended()

    def _first_line(self) -> bytes:
        assert self.process.stdout is not None
        line, deadline = b"", time.monotonic() + TIMEOUT_S
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"the emulator says nothing: {self.log()}"
            read = os.read(self.process.stdout.fileno(), 65536)
            assert read, f"the emulator has ended without having served: {self.log()}"
            line += read
        return line


@contextmanager
def emulating(
    scratch: Path,
    cache: Path,
    *options: str,
    template: Path = TEMPLATE,
    measured: bool = True,
    parameters: Sequence[str] = PARAMETERS,
    variables: Mapping[str, str] | None = None,
) -> Iterator[EmulatorProcess]:
    """Run an emulator for the length of the block; unless `measured`, coverage leaves its functions alone."""
    emulator = EmulatorProcess(template, scratch, cache, *options, parameters=parameters, **(variables or {}))
    try:
        emulator.wait_until_ready()
        if measured:
            measure_sandboxes(cache)
        yield emulator
        if emulator.process.poll() is None:
            emulator.stop()
    finally:
        emulator.kill()


def streamify(
    *arguments: str | Path, cwd: Path = ROOT, cache: Path | None = None, stdin: str = "", **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Return what became of one command, its two outputs apart."""
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=cwd,
        env=environment(cache, **variables),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


def environment(cache: Path | None, **variables: str) -> dict[str, str]:
    """Return the environment of a command, which keeps what is slow to make in `cache`.

    The layer is built with bytecode for one Python: for each other one there is it would take as long again.
    """
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    kept = {} if cache is None else {"STREAMIFY_CACHE_DIR": str(cache)}
    return clean_environment(**{"LAYER_PYTHONS": RUNTIME, **coverage, **kept, **variables})


def measure_sandboxes(cache: Path) -> None:
    """Have coverage count in the sandboxes too, if it counts in this process.

    A sandbox inherits nothing, and its interpreter has nothing installed. So a .pth file, which that interpreter reads
    when it starts, brings what it needs: coverage, alone in a folder, and the settings that other children inherit.
    """
    settings = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    if not settings:
        return
    spec = find_spec("coverage")
    assert spec is not None
    assert spec.origin is not None
    alone = cache / "coverage"
    alone.mkdir(exist_ok=True)
    with suppress(FileExistsError):
        (alone / "coverage").symlink_to(Path(spec.origin).parent)
    line = (
        f"import os, sys; os.environ.update({settings!r}); sys.path.append({str(alone)!r}); "
        "import coverage; coverage.process_startup()\n"
    )
    for packages in cache.glob("python*/lib/python*/site-packages"):
        (packages / "coverage.pth").write_text(line)


def boto3_client(endpoint: str) -> Any:
    """Return boto3's own client of Lambda, told only where the API is and not to try twice."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "lambda",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - nobody checks it
        config=Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 1}),
    )
