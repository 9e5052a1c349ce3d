"""Datadog's package beside an extension: it looks for the extension's file, then sends to the extension's ports.

Datadog's own extension is not available here. The emulator starts a stand-in that has the same name.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from socket import SO_REUSEADDR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, socket
from sysconfig import get_path
from typing import Any

import msgpack
import pytest

from datadog_function import write_function
from datadog_mark import marked
from emulator_process import EmulatorProcess, emulating
from processes import ROOT
from url_client import request
from waiting import wait_until

TEMPLATE = ROOT / "tests" / "data" / "datadog_extension" / "template.yaml"
PORTS = ((SOCK_DGRAM, 8125), (SOCK_STREAM, 8126))


@pytest.fixture
def mark() -> Iterator[None]:
    """Make the file that Datadog's package looks for, as the page says."""
    with marked():
        yield


@pytest.fixture
def intake(mark: None, tmp_path: Path) -> Path:  # noqa: ARG001 - another run's extension has ended then
    """Return the file for what the extension gets."""
    for kind, port in PORTS:
        with socket(type=kind) as probe:
            probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, kind == SOCK_STREAM)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                pytest.skip(f"another program uses Datadog's port {port}: {error.strerror}")
    return tmp_path / "intake"


@pytest.fixture
def parameters(intake: Path) -> list[str]:
    return ["--parameter", f"Packages={get_path('purelib')}", "--parameter", f"Intake={intake}"]


@pytest.fixture
def emulator(parameters: list[str], tmp_path: Path, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path, cache, *parameters, template=TEMPLATE) as emulator:
        yield emulator


@pytest.fixture
def recording(parameters: list[str], tmp_path: Path, cache: Path) -> Iterator[EmulatorProcess]:
    """Run the page's function, which sends the records of its streams."""
    write_function(tmp_path / "code")
    code = ("--parameter", f"Code={tmp_path / 'code'}", "--parameter", "DatadogHandler=app.lambda_handler")
    with emulating(tmp_path, cache, *parameters, *code, template=TEMPLATE) as emulator:
        yield emulator


def kept(intake: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in intake.read_text().splitlines()] if intake.exists() else []


def spans(intake: Path) -> list[dict[str, Any]]:
    bodies = [bytes.fromhex(found["body"]) for found in kept(intake) if found.get("path") == "/v0.4/traces"]
    return [span for body in bodies for trace in msgpack.unpackb(body, strict_map_key=False) for span in trace]


def metrics(intake: Path, name: str) -> list[str]:
    """Return what follows the name in each metric of this name."""
    found = (one.get("metric", "").partition(":") for one in kept(intake))
    return [rest for found_name, _, rest in found if found_name == name]


def test_metrics_and_spans_of_a_stream_reach_the_extension_and_not_the_log(
    emulator: EmulatorProcess, intake: Path
) -> None:
    reply = request(emulator.urls["watched"])

    assert (reply.status, reply.body) == (201, b"onetwo")
    wait_until(lambda: any(span["name"] == "aws.lambda" for span in spans(intake)), "the span of the invocation")
    (root,) = (span for span in spans(intake) if span["name"] == "aws.lambda")
    chunks = [span for span in spans(intake) if span["name"] in ("one", "two")]
    assert [span["parent_id"] for span in chunks] == [root["span_id"]] * 2
    assert all(root["start"] <= span["start"] for span in chunks)
    assert max(span["start"] + span["duration"] for span in chunks) <= root["start"] + root["duration"]
    wait_until(lambda: any(found.get("metric", "").startswith("words:2|d") for found in kept(intake)), "the metric")
    assert '"m": "words"' not in emulator.log()
    assert "EXTENSION\tName: datadog-agent\tState: Ready\tEvents: [INVOKE, SHUTDOWN]" in emulator.log()


@pytest.mark.parametrize(("path", "outcome", "error"), [("", "complete", 0), ("fail", "error", 1)])
def test_the_record_of_a_stream_reaches_the_extension_once_as_distributions(
    path: str, outcome: str, error: int, recording: EmulatorProcess, intake: Path
) -> None:
    request(recording.urls["watched"], f"/{path}")

    wait_until(lambda: metrics(intake, "streamify.bytes"), "the last metric of the record")
    (first_byte,) = metrics(intake, "streamify.time_to_first_byte")
    value, kind, tags = first_byte.split("|")[:3]
    assert float(value) > 0
    assert kind == "d"  # a distribution
    assert f"outcome:{outcome}" in tags.removeprefix("#").split(",")
    wait_until(lambda: any(span["name"] == "aws.lambda" for span in spans(intake)), "the span of the invocation")
    (root,) = (span for span in spans(intake) if span["name"] == "aws.lambda")
    assert root.get("error", 0) == error
