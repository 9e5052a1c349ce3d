"""JMeter reads streams of the emulator, with the plan in deploy/jmeter."""

import csv
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode, urlsplit

from emulator_fixtures import emulator
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from jmeter import jmeter
from processes import ROOT
from waiting import TIMEOUT_S, wait_until

__all__ = ["emulator"]

PLAN = ROOT / "deploy" / "jmeter" / "stream.jmx"
HANDLER = ROOT / "tests" / "data" / "operate" / "app.py"


def samples(url: str, folder: Path, path: str, **properties: object) -> list[dict[str, str]]:
    """Return what JMeter has noted about the streams at this path."""
    results = folder / "results.csv"
    options = {"port": urlsplit(url).port, "path": path, **properties}
    subprocess.run(
        [
            *(*jmeter(), "-t", str(PLAN), "-l", str(results), "-j", str(folder / "jmeter.log")),
            *(f"-J{name}={value}" for name, value in options.items()),
        ],
        cwd=folder,
        capture_output=True,
        timeout=3 * TIMEOUT_S,
        check=True,
    )
    with results.open(newline="") as file:
        return list(csv.DictReader(file))


def six_samples(emulator: EmulatorProcess, folder: Path, ends_with: str) -> list[dict[str, str]]:
    """Return what JMeter has noted about six streams of three readers."""
    return samples(emulator.urls["cases"], folder, "/value?value=42", threads=3, loops=2, ends_with=ends_with)


def test_streams_are_read_to_their_ends(emulator: EmulatorProcess, tmp_path: Path) -> None:
    read = six_samples(emulator, tmp_path, "42")

    assert [(sample["responseCode"], sample["success"]) for sample in read] == 6 * [("200", "true")]
    assert all(0 < int(sample["Latency"]) <= int(sample["elapsed"]) for sample in read)


def test_a_stream_without_its_last_words_has_failed(emulator: EmulatorProcess, tmp_path: Path) -> None:
    read = six_samples(emulator, tmp_path, "event: done")

    assert [(sample["responseCode"], sample["success"]) for sample in read] == 6 * [("200", "false")]


def test_latency_is_the_time_to_the_first_byte_and_elapsed_that_of_the_whole_stream(
    tmp_path: Path, cache: Path
) -> None:
    """Both are in rounded milliseconds. What the emulator measures begins later than in JMeter, and ends earlier."""
    held_ms = []
    with (
        emulating(tmp_path, cache, "--log-format", "json", template=HANDLER, parameters=(), measured=False) as emulator,
        Gate() as gate,
        ThreadPoolExecutor() as executor,
    ):
        (url,) = emulator.urls.values()
        path = "/held?" + urlencode({"gate": gate.address, "chunks": json.dumps(["first\n", "last\n"])})
        reading = executor.submit(samples, url, tmp_path, path, threads=1, loops=1, ends_with="last")
        for _ in range(2):
            gate.wait_for_function()
            since = monotonic()
            sleep(1)  # what is to be seen in the figures
            held_ms.append((monotonic() - since) * 1000)
            gate.open_for_waiting()
        (read,) = reading.result()
        wait_until(lambda: records(emulator), "the record of the request")
        (record,) = records(emulator)

    latency, elapsed = int(read["Latency"]), int(read["elapsed"])
    assert read["success"] == "true"
    assert latency + 2 > record["first_byte_s"] * 1000 > held_ms[0]
    assert elapsed + 2 > sum(held_ms)
    assert latency < elapsed


def records(emulator: EmulatorProcess) -> list[dict[str, Any]]:
    """Return the emulator's records of requests."""
    found = [json.loads(line) for line in emulator.log().splitlines()]
    return [record for record in found if record["type"] == "request"]
