"""JMeter reads streams of the emulator, with the plan in deploy/jmeter."""

import csv
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from emulator_fixtures import emulator
from emulator_process import EmulatorProcess
from jmeter import jmeter
from processes import ROOT
from waiting import TIMEOUT_S

__all__ = ["emulator"]

PLAN = ROOT / "deploy" / "jmeter" / "stream.jmx"


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
    options = [f"-J{name}={value}" for name, value in properties.items()]
    subprocess.run(
        [*jmeter(), "-t", str(PLAN), "-l", str(results), "-j", str(folder / "jmeter.log"), *options],
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
