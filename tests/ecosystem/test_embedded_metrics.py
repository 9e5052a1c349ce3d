"""Metrics of a stream in CloudWatch's embedded metric format leave the function before it asks for the next event."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from documents import blocks
from http_events import FUNCTION_URL
from layer_build import build_layer
from layer_process import layer_process
from processes import ROOT
from queued_api import Event, Next, Post, QueuedApi

PAGE = ROOT / "docs" / "guides" / "observability.md"
RECORD, GENERATION = [block for block in blocks(PAGE, "python") if "_aws" in block]
COLLECTED = """
from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from lambda_streamify import observe, streaming

metrics = Metrics(namespace="Streams", service="streams")


@observe.after_stream
def collect(record):
    metrics.add_metric("bytes", MetricUnit.Bytes, record.bytes)


@metrics.log_metrics
@streaming
def lambda_handler(event, context):
    metrics.add_metric("invocations", MetricUnit.Count, 1)
    yield "one"
    yield "two"
"""


class Function:
    """A function that prints metrics."""

    def __init__(self, api: QueuedApi, output: IO[bytes]) -> None:
        os.set_blocking(output.fileno(), False)
        self._api = api
        self._output = output

    def invoke(self) -> list[dict[str, Any]]:
        """Return the lines in the format that were printed when the function asked for the next event."""
        self._api.hand_out(Event(json.dumps(FUNCTION_URL).encode(), {"Lambda-Runtime-Aws-Request-Id": "request-1"}))
        answer = self._api.wait()
        assert isinstance(answer, Post)
        assert isinstance(self._api.wait(), Next)
        lines = (self._output.read() or b"").decode().splitlines()
        return [json.loads(line) for line in lines if '"_aws"' in line]


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


@contextmanager
def running(layer: Path, task: Path, code: str) -> Iterator[Function]:
    (task / "app.py").write_text(code)
    with QueuedApi() as api, layer_process(layer, api.address, task, "app.lambda_handler") as process:
        assert process.stdout is not None
        assert isinstance(api.wait(), Next)
        yield Function(api, process.stdout)
        process.terminate()


@pytest.mark.parametrize("code", [RECORD, GENERATION], ids=["record", "generation"])
def test_the_line_of_a_stream_leaves_before_the_next_invocation(code: str, layer: Path, tmp_path: Path) -> None:
    with running(layer, tmp_path, code) as function:
        for _ in range(2):
            (line,) = function.invoke()
            assert line["request_id"] == "request-1"
            assert line["outcome"] == "complete"


def test_what_a_hook_adds_to_powertools_metrics_leaves_with_the_next_invocation(layer: Path, tmp_path: Path) -> None:
    with running(layer, tmp_path, COLLECTED) as function:
        (first,) = function.invoke()
        (second,) = function.invoke()

    assert (first["invocations"], "bytes" in first) == ([1.0], False)
    assert (second["invocations"], second["bytes"]) == ([1.0], [6.0])
