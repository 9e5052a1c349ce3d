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

from emulator_process import EmulatorProcess, emulating
from processes import ROOT
from url_client import request
from waiting import wait_until

TEMPLATE = ROOT / "tests" / "data" / "datadog_extension" / "template.yaml"
MARK = Path("/opt/extensions/datadog-agent")  # datadog_lambda/extension.py, EXTENSION_PATH
PORTS = ((SOCK_DGRAM, 8125), (SOCK_STREAM, 8126))


@pytest.fixture
def mark() -> Iterator[None]:
    """Make the file that Datadog's package looks for, as the page says."""
    if MARK.exists():
        yield
        return
    made = [folder for folder in MARK.parents if not folder.exists()]
    try:
        MARK.parent.mkdir(parents=True, exist_ok=True)
        MARK.touch()
    except OSError as error:
        pytest.skip(f"{MARK} cannot be made: {error.strerror}")
    yield
    MARK.unlink()
    for folder in made:
        folder.rmdir()


@pytest.fixture
def intake(tmp_path: Path) -> Path:
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
def emulator(mark: None, intake: Path, tmp_path: Path, cache: Path) -> Iterator[EmulatorProcess]:  # noqa: ARG001
    options = ("--parameter", f"Packages={get_path('purelib')}", "--parameter", f"Intake={intake}")
    with emulating(tmp_path, cache, *options, template=TEMPLATE) as emulator:
        yield emulator


def kept(intake: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in intake.read_text().splitlines()] if intake.exists() else []


def spans(intake: Path) -> list[dict[str, Any]]:
    bodies = [bytes.fromhex(found["body"]) for found in kept(intake) if found.get("path") == "/v0.4/traces"]
    return [span for body in bodies for trace in msgpack.unpackb(body, strict_map_key=False) for span in trace]


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
