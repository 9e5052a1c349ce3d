"""A folder laid out like Lambda's file system, and processes started in it as Lambda starts a Python runtime."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

import pytest

from layer_build import build_layer
from output_socket import OutputSocket
from processes import ROOT, clean_environment, interpreter
from queued_api import Ended, QueuedApi
from waiting import TIMEOUT_S

STAND_IN = ROOT / "tests" / "data" / "parity" / "runtime" / "bootstrap.py"
OTHER_LAYER = ROOT / "tests" / "data" / "parity" / "opt"

# AWS's client and what it brings along.
PACKAGES = ("awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py")


@dataclass(frozen=True)
class FileSystem:
    """`root` stands for /, `python` for /var/lang/bin/python3.X."""

    root: Path
    python: str
    version: str

    @property
    def layer(self) -> Path:
        """What stands for /opt."""
        return self.root / "opt"

    @property
    def runtime(self) -> Path:
        """What stands for /var/runtime."""
        return self.root / "var" / "runtime"


def installed_packages() -> list[Path]:
    """Return AWS's client where the tests' own interpreter finds it."""
    found = []
    for package in PACKAGES:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        found.append(origin.parent if origin.name == "__init__.py" else origin)
    return found


def download_packages(folder: Path, version: str) -> list[Path]:
    """Return AWS's client for another Python; raises CalledProcessError if the index cannot be reached."""
    target = folder / f"python{version}"
    client = f"awslambdaric=={metadata.version('awslambdaric')}"
    options = ("--only-binary=:all:", "--python-version", version, "--target", target, "--retries", "1")
    command: list[str | Path] = [sys.executable, "-m", "pip", "install", "--quiet", *options, client]
    subprocess.run(command, env=clean_environment(), check=True, capture_output=True, text=True, timeout=120)
    return [path for path in target.iterdir() if path.name.partition(".")[0] in PACKAGES]


def other_python(folder: Path, version: str) -> tuple[str, list[Path]]:
    """Return a Python of this version with AWS's client for it; skips the test where one of them cannot be had."""
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} that runs on this machine")
    try:
        return python, download_packages(folder, version)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"awslambdaric for Python {version} cannot be had: {error.stderr.strip()[-200:]}")


def make_file_system(
    root: Path,
    packages: list[Path],
    python: str = sys.executable,
    version: str = f"{sys.version_info[0]}.{sys.version_info[1]}",
) -> FileSystem:
    """Return a new one with the built layer in /opt and AWS's runtime in /var/runtime."""
    made = FileSystem(root, python, version)
    build_layer(root).rename(made.layer)
    shutil.copytree(OTHER_LAYER, made.layer, dirs_exist_ok=True)
    made.runtime.mkdir(parents=True)
    for package in packages:
        (made.runtime / package.name).symlink_to(package)
    shutil.copy(STAND_IN, made.runtime)  # no link: Python looks for modules where a script really lies
    # What AWS's images have at this place (read from the image of python3.11), as far as it starts something.
    bootstrap = made.runtime / "bootstrap"
    command = shlex.join([python, str(made.runtime / STAND_IN.name)])
    bootstrap.write_text(
        "#!/bin/sh\n"
        f"export AWS_EXECUTION_ENV=${{AWS_EXECUTION_ENV:-AWS_Lambda_python{version}}}\n"
        f'exec ${{AWS_LAMBDA_EXEC_WRAPPER:+"$AWS_LAMBDA_EXEC_WRAPPER"}} {command}\n'
    )
    bootstrap.chmod(0o755)
    return made


class Sandbox:
    """One process of a runtime, and what it has written."""

    def __init__(
        self, system: FileSystem, api: QueuedApi, task: Path, scratch: Path, variables: Mapping[str, str]
    ) -> None:
        self._api = api
        self._paths = {name: scratch / name for name in ("stdout", "stderr", "telemetry")}
        self._offsets = dict.fromkeys(self._paths, 0)
        environment = {
            "PATH": os.defpath,
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_RUNTIME_API": api.address,
            "LAMBDA_TASK_ROOT": str(task),
            "LAMBDA_RUNTIME_DIR": str(system.runtime),
            **variables,
        }
        with ExitStack() as files:
            outputs = {name: files.enter_context(path.open("wb")) for name, path in self._paths.items()}
            descriptor = outputs["telemetry"].fileno()
            if environment.get("_LAMBDA_TELEMETRY_LOG_FD") == "":
                environment["_LAMBDA_TELEMETRY_LOG_FD"] = str(descriptor)
            self.sockets = None
            if environment.get("_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET") == "":
                self.sockets = OutputSocket()
                environment["_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET"] = self.sockets.path
            self.process = subprocess.Popen(
                [system.runtime / "bootstrap"],
                cwd=task,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=outputs["stdout"],
                stderr=outputs["stderr"],
                pass_fds=[descriptor],
                start_new_session=True,  # to reach workers that have outlived their parent
            )
        self._waiter = Thread(target=self._wait, daemon=True)
        self._waiter.start()

    def written(self, name: str) -> bytes:
        """Return what has come to stdout, stderr or telemetry since the last call."""
        with self._paths[name].open("rb") as file:
            file.seek(self._offsets[name])
            data = file.read()
        self._offsets[name] += len(data)
        return data

    def signal(self, number: int) -> None:
        """Send a signal to the process, if it still runs."""
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        """End the process and its workers, whatever they do."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self._waiter.join(TIMEOUT_S)
        assert not self._waiter.is_alive()
        if self.sockets is not None:
            self.sockets.close()

    def _wait(self) -> None:
        self._api.happened.put(Ended(self.process.wait()))


@contextmanager
def running(
    system: FileSystem, api: QueuedApi, task: Path, scratch: Path, variables: Mapping[str, str]
) -> Iterator[Sandbox]:
    """Run a process for the length of the block; `scratch` takes what it writes."""
    scratch.mkdir(parents=True)
    sandbox = Sandbox(system, api, task, scratch, variables)
    try:
        yield sandbox
    finally:
        sandbox.kill()
