"""Spans of streams at OpenTelemetry's real collector, from its Lambda instrumentation under the built layer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector_process import Collector, collecting
from invoking import FUNCTION_URL
from layer_build import build_layer
from layer_process import layer_process
from processes import ROOT
from queued_api import Event, Next, Post, QueuedApi
from waiting import wait_until

DATA = ROOT / "tests" / "data" / "opentelemetry"
NAME = "streams"  # of the function, and of its root span


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    with collecting(tmp_path_factory.mktemp("collector")) as collector:
        yield collector


def invoke(layer: Path, collector: Collector, event: dict[str, Any]) -> Post:
    """Run the function for one event. It exports nothing by time: what the collector gets was flushed."""
    variables = {
        "STREAMIFY_NEXT_WRAPPER": str(DATA / "layer" / "otel-instrument"),
        "AWS_LAMBDA_FUNCTION_NAME": NAME,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
        "OTEL_BSP_SCHEDULE_DELAY": "3600000",  # milliseconds
    }
    headers = {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": "request-1",
        "Lambda-Runtime-Deadline-Ms": "2000",
        "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:eu-west-1:123456789012:function:{NAME}",
    }
    with QueuedApi() as api, layer_process(layer, api.address, DATA / "task", "app.streamed", **variables) as process:
        assert isinstance(api.wait(), Next)
        api.hand_out(Event(json.dumps({**event, "how": "sync"}).encode(), headers))
        answer = api.wait()
        assert isinstance(api.wait(), Next)
        process.terminate()
    assert isinstance(answer, Post)
    return answer


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


@pytest.mark.parametrize(
    ("event", "status"),
    [(FUNCTION_URL, "Unset"), ({**FUNCTION_URL, "fail": True}, "Error")],
    ids=["complete", "fails in mid-stream"],
)
def test_the_root_span_covers_the_stream(event: dict[str, Any], status: str, layer: Path, collector: Collector) -> None:
    before = len(collector.spans())
    answer = invoke(layer, collector, event)

    assert answer.body.endswith(b"onetwo")
    wait_until(lambda: len(collector.spans()) == before + 3, "three spans")
    *chunks, root = collector.spans()[before:]
    assert [span["Name"] for span in (*chunks, root)] == ["one", "two", NAME]
    assert root["Status code"] == status
    assert root["Parent ID"] == ""
    for span in chunks:
        assert (span["Parent ID"], span["Trace ID"]) == (root["ID"], root["Trace ID"])
        assert root["Start time"] <= span["Start time"] <= span["End time"] <= root["End time"]
