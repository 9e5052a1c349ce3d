"""OpenTelemetry's own Lambda instrumentation and SDK around streaming handlers, under the built layer.

What starts it, the wrapper script and its module, is a stand-in for those of OpenTelemetry's Lambda layer.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from invoking import DIRECT, FUNCTION_URL
from layer_build import build_layer
from layer_process import layer_process
from processes import ROOT
from queued_api import Event, Next, Post, QueuedApi
from waiting import TIMEOUT_S

DATA = ROOT / "tests" / "data" / "opentelemetry"
NAME = "streams"  # of the function, and of its root span
WAYS = ("sync", "async", "writing")
FAILING = {**FUNCTION_URL, "fail": True}


class Collector(ThreadingHTTPServer):
    """Takes spans by OTLP over HTTP, and keeps them in the order in which they came: that in which they ended."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Collection)
        self._lock = Lock()
        self._spans: list[Span] = []

    @property
    def endpoint(self) -> str:
        """As in OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.server_port}"

    def receive(self, spans: list[Span]) -> None:
        """Keep the spans."""
        with self._lock:
            self._spans += spans

    def take(self) -> list[Span]:
        """Return what has come since the last call."""
        with self._lock:
            taken, self._spans = self._spans, []
        return taken


class _Collection(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        request = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        resources = request.resource_spans
        self.server.receive([span for one in resources for scope in one.scope_spans for span in scope.spans])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Function:
    """A function of which every span is sent to `collector`."""

    def __init__(self, api: QueuedApi, collector: Collector) -> None:
        self._api = api
        self._collector = collector

    def invoke(self, event: dict[str, Any], way: str) -> tuple[Post, list[Span]]:
        """Return the answer, and the spans that were there when the function asked for the next event."""
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "request-1",
            "Lambda-Runtime-Deadline-Ms": "2000",
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:eu-west-1:123456789012:function:{NAME}",
        }
        self._api.hand_out(Event(json.dumps({**event, "how": way}).encode(), headers))
        answer = self._api.wait()
        assert isinstance(answer, Post)
        assert isinstance(self._api.wait(), Next)
        return answer, self._collector.take()


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


@contextmanager
def instrumented(layer: Path, handler: str) -> Iterator[Function]:
    """Run the handler under the layer, which starts OpenTelemetry's wrapper."""
    with Collector() as collector, QueuedApi() as api:
        thread = Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        variables = {
            "STREAMIFY_NEXT_WRAPPER": str(DATA / "layer" / "otel-instrument"),
            "AWS_LAMBDA_FUNCTION_NAME": NAME,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",  # milliseconds: what arrives was flushed
        }
        with layer_process(layer, api.address, DATA / "task", handler, **variables) as process:
            assert isinstance(api.wait(), Next)
            yield Function(api, collector)
            process.terminate()
        collector.shutdown()
        thread.join(TIMEOUT_S)


@pytest.fixture(scope="module")
def streamed(layer: Path) -> Iterator[Function]:
    with instrumented(layer, "app.streamed") as function:
        yield function


@pytest.fixture
def plain(layer: Path) -> Iterator[Function]:
    with instrumented(layer, "app.plain") as function:
        yield function


def attributes(span: Span) -> dict[str, Any]:
    """Return those that are text or numbers."""
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def attributes_of(event: Span.Event) -> dict[str, str]:
    """Return those of an event of a span."""
    return {one.key: one.value.string_value for one in event.attributes}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("event", [FUNCTION_URL, DIRECT], ids=["function URL", "direct"])
def test_the_root_span_ends_after_the_last_chunk_and_is_there_before_the_next_event(
    event: dict[str, Any], way: str, streamed: Function
) -> None:
    answer, spans = streamed.invoke(event, way)

    assert answer.body.endswith(b"onetwo")
    assert [span.name for span in spans] == ["one", "two", NAME]
    assert spans[-1].status.code == Status.STATUS_CODE_UNSET


@pytest.mark.parametrize("way", WAYS)
def test_what_happens_while_it_streams_belongs_to_the_root_span(way: str, streamed: Function) -> None:
    _, spans = streamed.invoke(FUNCTION_URL, way)

    root = spans[-1]
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert [span.parent_span_id for span in spans] == [root.span_id, root.span_id, b""]


def test_the_root_span_has_the_status_that_was_streamed(streamed: Function) -> None:
    _, spans = streamed.invoke(FUNCTION_URL, "sync")

    assert attributes(spans[-1])["http.status_code"] == 201


@pytest.mark.parametrize("way", WAYS)
def test_an_error_after_the_first_chunk_is_the_root_spans_and_the_callers(way: str, streamed: Function) -> None:
    answer, spans = streamed.invoke(FAILING, way)

    root = spans[-1]
    assert [span.name for span in spans] == ["one", "two", NAME]
    assert root.status.code == Status.STATUS_CODE_ERROR
    assert [(event.name, attributes_of(event)["exception.message"]) for event in root.events] == [
        ("exception", "midway")
    ]
    assert answer.body.endswith(b"onetwo")
    assert answer.trailers["lambda-runtime-function-error-type"] == "Function.Broken"


# --- without @streaming: what the documentation warns of -------------------------------------------------------------


@pytest.mark.parametrize("way", ["sync", "async"])
def test_without_streaming_the_root_span_ends_before_the_first_chunk(way: str, plain: Function) -> None:
    answer, spans = plain.invoke(FUNCTION_URL, way)
    _, later = plain.invoke(FUNCTION_URL, way)

    assert answer.body.endswith(b"onetwo")
    assert [span.name for span in spans] == [NAME]
    assert [span.name for span in later] == ["one", "two", NAME]  # of the first stream, late
    assert [span.parent_span_id for span in later] == [b"", b"", b""]  # and of no trace


@pytest.mark.parametrize("way", ["sync", "async"])
def test_without_streaming_the_root_span_of_a_stream_that_fails_has_no_error(way: str, plain: Function) -> None:
    answer, (root,) = plain.invoke(FAILING, way)

    assert answer.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert root.status.code == Status.STATUS_CODE_UNSET


def test_what_open_stream_has_written_belongs_to_the_root_span_without_streaming_too(plain: Function) -> None:
    _, spans = plain.invoke(FAILING, "writing")

    *chunks, root = spans
    assert [span.name for span in spans] == ["one", "two", NAME]
    assert [span.parent_span_id for span in chunks] == [root.span_id, root.span_id]
    assert root.status.code == Status.STATUS_CODE_ERROR
