"""JMeter reads streams of the emulator, with the plan in deploy/jmeter. It is looked up at JMETER_HOME."""

import csv
import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emulator_fixtures import emulator
from emulator_process import EmulatorProcess
from processes import ROOT
from waiting import TIMEOUT_S

__all__ = ["emulator"]

JAR = Path(os.environ.get("JMETER_HOME", "/nonexistent"), "bin", "ApacheJMeter.jar")
pytestmark = [
    pytest.mark.skipif(not JAR.exists(), reason="JMETER_HOME names no folder with JMeter"),
    pytest.mark.skipif(shutil.which("java") is None, reason="java is not installed"),
]


def samples(emulator: EmulatorProcess, folder: Path, ends_with: str) -> list[dict[str, str]]:
    """Return what JMeter has noted about six streams of three readers."""
    results = folder / "results.csv"
    properties = {
        "port": urlsplit(emulator.urls["cases"]).port,
        "path": "/value?value=42",
        "threads": 3,
        "loops": 2,
        "ends_with": ends_with,
    }
    command = ["java", "-Djava.awt.headless=true", "-jar", str(JAR), "-n", "-t", str(ROOT / "deploy/jmeter/stream.jmx")]
    options = [f"-J{name}={value}" for name, value in properties.items()]
    subprocess.run(
        [*command, "-l", str(results), "-j", str(folder / "jmeter.log"), *options],
        cwd=folder,
        capture_output=True,
        timeout=3 * TIMEOUT_S,
        check=True,
    )
    with results.open(newline="") as file:
        return list(csv.DictReader(file))


def test_streams_are_read_to_their_ends(emulator: EmulatorProcess, tmp_path: Path) -> None:
    read = samples(emulator, tmp_path, "42")

    assert [(sample["responseCode"], sample["success"]) for sample in read] == 6 * [("200", "true")]
    assert all(0 < int(sample["Latency"]) <= int(sample["elapsed"]) for sample in read)


def test_a_stream_without_its_last_words_has_failed(emulator: EmulatorProcess, tmp_path: Path) -> None:
    read = samples(emulator, tmp_path, "event: done")

    assert [(sample["responseCode"], sample["success"]) for sample in read] == 6 * [("200", "false")]
