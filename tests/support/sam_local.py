"""`sam local`, the real one, on a Docker engine."""

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from socket import create_connection, socket
from typing import Any, NamedTuple

from emulator_process import RUNTIME
from waiting import TIMEOUT_S, wait_until

# It asks for the account's number, and does without. A port that nobody listens on keeps it from asking for seconds.
SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Invoked(NamedTuple):
    """What `sam local invoke` has printed: the response, and on the other output the log."""

    response: str
    log: str

    def json(self) -> Any:
        """Return what the response says."""
        return json.loads(self.response)


class Server(NamedTuple):
    """One that runs."""

    url: str
    log: Path


class SamLocal:
    """The commands; `template` is one that `sam build` has written."""

    def __init__(self, environment: Mapping[str, str], engine: str, scratch: Path) -> None:
        self._environment = {**environment, **SETTINGS, "DOCKER_HOST": engine}
        self._scratch = scratch

    def invoke(
        self, template: Path, function: str, event: object, *options: str | Path, runtime: str = RUNTIME
    ) -> Invoked:
        """Run one invocation in a container of its own."""
        command = _command("invoke", template, runtime, function, "--event", "-", *options)
        done = subprocess.run(
            command,
            cwd=self._scratch,
            env=self._environment,
            input=json.dumps(event),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Invoked(done.stdout, done.stderr)

    @contextmanager
    def serving(self, command: str, template: Path, *options: str | Path) -> Iterator[Server]:
        """Run `start-api` or `start-lambda` for the length of the block; functions stay warm."""
        port = _free_port()
        log = self._scratch / f"{command}-{port}"
        kept = ("--port", str(port), "--warm-containers", "LAZY")
        with log.open("wb") as output:
            process = subprocess.Popen(
                _command(command, template, RUNTIME, *kept, *options),
                cwd=self._scratch,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

        def accepts() -> bool:
            assert process.poll() is None, f"sam local {command} ended: {log.read_text()}"
            with suppress(ConnectionRefusedError):
                create_connection(("127.0.0.1", port)).close()
                return True
            return False

        try:
            wait_until(accepts, f"sam local {command} accepts connections")
            yield Server(f"http://127.0.0.1:{port}", log)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(TIMEOUT_S)


def _command(name: str, template: Path, runtime: str, *arguments: str | Path) -> list[str | Path]:
    # Without the last, SAM looks in a registry for images that are here.
    options = ("--template", template, "--parameter-overrides", f"PythonRuntime={runtime}", "--skip-pull-image")
    return ["sam", "local", name, *arguments, *options]


def _free_port() -> int:
    """Return one that was free a moment ago: SAM takes no port 0."""
    with closing(socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
