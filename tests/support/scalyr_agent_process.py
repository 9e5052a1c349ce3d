"""Scalyr's agent, the real program, with the configuration of deploy/."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from emulator_process import RUNTIME
from kept_tools import kept_folder, making, run_or_skip
from processes import ROOT, clean_environment
from waiting import TIMEOUT_S, wait_until

VERSION = "2.2.8"
CONFIGURATION = ROOT / "deploy" / "scalyr" / "agent.json"


def python_with_agent() -> Path:
    """Return the interpreter of an environment with the agent. Skips the test if pip cannot install it."""
    folder = kept_folder(f"scalyr-agent-{VERSION}-{RUNTIME}")
    python = folder / "venv" / "bin" / "python"
    with making(folder) as missing:
        if missing:
            run_or_skip(sys.executable, "-m", "venv", "--clear", folder / "venv")
            run_or_skip(python, "-m", "pip", "install", "--quiet", f"scalyr-agent-2=={VERSION}")
    return python


@contextmanager
def shipping(folder: Path, ca_file: Path, changes: Mapping[str, str]) -> Iterator[None]:
    """Run the agent for the length of the block, with these texts of its file changed, in a folder of its own."""
    python = python_with_agent()
    for name in ("log", "data", "agent.d"):
        (folder / name).mkdir()
    variables = {
        "SCALYR_CA_CERT_PATH": f"{ca_file}",
        "SCALYR_AGENT_CONFIGURATION_DIRECTORY": f"{folder / 'agent.d'}",
        # Measurements of the agent, and its own log.
        "SCALYR_IMPLICIT_AGENT_PROCESS_METRICS_MONITOR": "false",
        "SCALYR_IMPLICIT_AGENT_LOG_COLLECTION": "false",
    }
    command: list[str | Path] = [python, "-m", "scalyr_agent.agent_main", "start", "--no-fork", "--no-change-user"]
    output = folder / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [*command, "--config", _configure(folder, changes)],
            cwd=folder, env=clean_environment(**variables), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    try:
        started = "Copying manager started"
        wait_until(lambda: process.poll() is not None or started in output.read_text(), "the agent to start")
        assert process.poll() is None, output.read_text()
        yield
    finally:
        process.terminate()
        try:
            process.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _configure(folder: Path, changes: Mapping[str, str]) -> Path:
    """Write the agent's file. It looks for the end of a file that it does not know later than it says that it runs."""
    attributes = '"attributes": {'
    own = {
        attributes: f'"copy_from_start": true, {attributes}',
        "/var/log/scalyr-agent-2": f"{folder / 'log'}",
        "/var/lib/scalyr-agent-2": f"{folder / 'data'}",
    }
    text = CONFIGURATION.read_text()
    for old, new in {**own, **changes}.items():
        assert old in text, f"{CONFIGURATION} has no {old!r}"
        text = text.replace(old, new)
    path = folder / "agent.json"
    path.write_text(text)
    path.chmod(0o600)
    return path
