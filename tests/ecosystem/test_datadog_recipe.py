"""The page's function sends the records of its streams to Datadog without the extension: to the log, and to the API."""

import json
import os
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from datadog_function import write_function
from datadog_mark import unmarked
from http_events import FUNCTION_URL
from invoking import DIRECT
from layer_build import build_layer
from layer_process import layer_process
from queued_api import Event, Next, Post, QueuedApi
from waiting import TIMEOUT_S

FAILING = {**FUNCTION_URL, "fail": "midway"}
FIRST_BYTE = "streamify.time_to_first_byte"


class DatadogApi(ThreadingHTTPServer):
    """Takes distributions as Datadog's API does, on this machine."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _DistributionPoints)
        self.series: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        """As in DATADOG_HOST."""
        return f"http://127.0.0.1:{self.server_port}"

    def named(self, name: str) -> list[dict[str, Any]]:
        """Return what has come by now of this metric."""
        return [one for one in self.series if one["metric"] == name]


class _DistributionPoints(BaseHTTPRequestHandler):
    server: DatadogApi

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers["Content-Encoding"] == "deflate":
            body = zlib.decompress(body)
        assert self.path.startswith("/api/v1/distribution_points")
        self.server.series += json.loads(body)["series"]
        self.send_response(202)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


@pytest.fixture
def datadog() -> Iterator[DatadogApi]:
    with DatadogApi() as api:
        thread = Thread(target=api.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield api
        api.shutdown()
        thread.join(TIMEOUT_S)


class Function:
    """The function, with what it has printed."""

    def __init__(self, api: QueuedApi, output: Any) -> None:
        self._api = api
        self._output = output

    def invoke(self, event: dict[str, Any]) -> tuple[Post, list[dict[str, Any]]]:
        """Return the answer, and the metrics that were in the log when the function asked for the next event."""
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "request-1",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:streams",
        }
        self._api.hand_out(Event(json.dumps(event).encode(), headers))
        answer = self._api.wait()
        assert isinstance(answer, Post)
        assert isinstance(self._api.wait(), Next)
        lines = (self._output.read() or b"").decode().splitlines()
        return answer, [json.loads(line) for line in lines if line.startswith('{"m":')]


@contextmanager
def watched(layer: Path, task: Path, **variables: str) -> Iterator[Function]:
    """Run the function under Datadog's handler, without traces."""
    variables |= {
        "AWS_LAMBDA_FUNCTION_NAME": "streams",
        "DD_LAMBDA_HANDLER": "app.lambda_handler",
        "DD_TRACE_ENABLED": "false",
        "DD_COLD_START_TRACING": "false",
    }
    handler = "datadog_lambda.handler.handler"
    with (
        unmarked(),
        QueuedApi() as api,
        layer_process(layer, api.address, task, handler, **variables) as process,
    ):
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        assert isinstance(api.wait(), Next)
        yield Function(api, process.stdout)
        process.terminate()


@pytest.fixture
def logging(layer: Path, tmp_path: Path) -> Iterator[Function]:
    write_function(tmp_path)
    with watched(layer, tmp_path, DD_FLUSH_TO_LOG="true") as function:
        yield function


def named(metrics: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [metric for metric in metrics if metric["m"] == name]


def test_the_record_is_in_the_log_before_the_next_event(logging: Function) -> None:
    answer, metrics = logging.invoke(FUNCTION_URL)

    assert answer.body.endswith(b"onetwo")
    (first_byte,) = named(metrics, FIRST_BYTE)
    assert first_byte["v"] > 0
    assert "outcome:complete" in first_byte["t"]
    (size,) = named(metrics, "streamify.bytes")
    assert size["v"] == len("onetwo")


def test_an_error_after_the_first_chunk_is_one_record(logging: Function) -> None:
    answer, metrics = logging.invoke(FAILING)

    assert answer.trailers["lambda-runtime-function-error-type"] == "Function.ValueError"
    (first_byte,) = named(metrics, FIRST_BYTE)
    assert "outcome:error" in first_byte["t"]


@pytest.mark.parametrize("fail", ["at once", "midway"])
@pytest.mark.parametrize(("event", "times"), [(FUNCTION_URL, 2), (DIRECT, 1)], ids=["function URL", "direct"])
def test_datadog_counts_an_error_twice_if_its_caller_spoke_http(
    event: dict[str, Any], times: int, fail: str, logging: Function
) -> None:
    _, metrics = logging.invoke({**event, "fail": fail})

    assert len(named(metrics, "aws.lambda.enhanced.errors")) == times
    assert len(named(metrics, "aws.lambda.enhanced.invocations")) == 1


def test_the_record_is_at_the_api_before_the_next_event(layer: Path, tmp_path: Path, datadog: DatadogApi) -> None:
    write_function(tmp_path)
    with watched(layer, tmp_path, DD_API_KEY="none", DATADOG_HOST=datadog.url) as function:
        function.invoke(FUNCTION_URL)

        (first_byte,) = datadog.named(FIRST_BYTE)
        assert "outcome:complete" in first_byte["tags"]


def test_without_the_flush_the_api_gets_the_record_with_the_next_invocation(
    layer: Path, tmp_path: Path, datadog: DatadogApi
) -> None:
    write_function(tmp_path, flushes=False)
    with watched(layer, tmp_path, DD_API_KEY="none", DATADOG_HOST=datadog.url) as function:
        function.invoke(FAILING)
        assert datadog.named(FIRST_BYTE) == []
        function.invoke(FUNCTION_URL)

        (first_byte,) = datadog.named(FIRST_BYTE)
        assert "outcome:error" in first_byte["tags"]
