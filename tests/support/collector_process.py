"""OpenTelemetry's collector, the real program: built once from its Go modules, kept in the project's cache folder.

The build takes six minutes on a core, so a test does it only if it is asked to.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_server

import pytest

from kept_tools import kept_folder
from processes import clean_environment
from waiting import TIMEOUT_S, wait_until

VERSION = "0.165.0"
MODULES = "go.opentelemetry.io/collector"
BUILD_TIMEOUT_S = 40 * 60
BUILD = f"""
dist: {{name: otelcol, output_path: ./build, version: {VERSION}}}
receivers: [{{gomod: {MODULES}/receiver/otlpreceiver v{VERSION}}}]
exporters: [{{gomod: {MODULES}/exporter/debugexporter v{VERSION}}}]
"""
# The debug exporter writes each span to standard error. The exporter to files is not one of the core modules.
CONFIGURATION = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{traces: {{receivers: [otlp], exporters: [debug]}}}}
"""


class Collector:
    """A collector that runs. `endpoint` is as in OTEL_EXPORTER_OTLP_ENDPOINT."""

    def __init__(self, port: int, output: Path) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._output = output

    def spans(self) -> list[dict[str, str]]:
        """Return the fields of the spans that it has exported by now, such as `Name` and `Parent ID`."""
        spans: list[dict[str, str]] = []
        for line in self._output.read_text().splitlines():
            name, separator, value = line.strip().partition(":")
            if line.startswith("Span #"):
                spans.append({})
            elif spans and separator:
                spans[-1].setdefault(name.strip(), value.strip())
        return spans


@contextmanager
def collecting(folder: Path) -> Iterator[Collector]:
    """Run a collector for the length of the block. Skips the test without the program."""
    program = _program()
    with create_server(("127.0.0.1", 0)) as listener:
        port = int(listener.getsockname()[1])
    configuration, output = folder / "collector.yaml", folder / "collector.log"
    configuration.write_text(CONFIGURATION.format(port=port))
    with output.open("wb") as file:
        process = subprocess.Popen(
            [program, "--config", configuration],
            cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        ready = "Everything is ready"
        wait_until(lambda: process.poll() is not None or ready in output.read_text(), "the collector to start")
        assert process.poll() is None, output.read_text()
        yield Collector(port, output)
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _program() -> Path:
    """Return the program; builds it if that has not been done and STREAMIFY_BUILD_COLLECTOR is 1."""
    folder = kept_folder(f"opentelemetry-collector-{VERSION}")
    program = folder / "otelcol"
    if program.exists():
        return program
    if os.environ.get("STREAMIFY_BUILD_COLLECTOR") != "1":
        pytest.skip(f"{program} is missing; STREAMIFY_BUILD_COLLECTOR=1 builds it once, in six minutes")
    go = shutil.which("go")
    if go is None:
        pytest.skip(f"{program} is missing, and there is no go to build it")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "build.yaml").write_text(BUILD)
    _run(folder, go, "install", f"{MODULES}/cmd/builder@v{VERSION}")
    _run(folder, folder / "builder", "--config", "build.yaml")
    (folder / "build" / "otelcol").rename(program)
    shutil.rmtree(folder / "build")
    return program


def _run(folder: Path, *command: str | Path) -> None:
    environment = clean_environment(GOBIN=f"{folder}", GOFLAGS="-p=1")
    built = subprocess.run(
        ["nice", "-n", "15", *command],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=BUILD_TIMEOUT_S, check=False,
    )  # fmt: skip
    if built.returncode:
        pytest.skip(f"{' '.join(map(str, command))} fails: {built.stderr.strip()[-300:]}")
