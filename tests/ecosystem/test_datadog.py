"""Datadog's own Lambda package around streaming handlers, under the built layer: its handler and its decorator.

There is no Datadog extension here. The package then prints what it would have sent: metrics and traces, a line each.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from datadog_mark import unmarked
from http_events import FUNCTION_URL
from invoking import DIRECT
from layer_build import build_layer
from layer_process import layer_process
from processes import ROOT
from queued_api import Event, Next, Post, QueuedApi

TASK = ROOT / "tests" / "data" / "datadog"
NAME = "streams"
FAILING = {**FUNCTION_URL, "fail": True}
# Datadog's handler loads the function's, or Datadog's decorator stands in the function's code.
REDIRECTED, DECORATED = "handler redirection", "decorator"
HOW = (REDIRECTED, DECORATED)
WAYS = ("sync", "async", "bare", "writing")
END = "the body ends"


class Function:
    """A function that Datadog watches."""

    def __init__(self, api: QueuedApi, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        self._api = api
        self._output = process.stdout

    def invoke(self, event: dict[str, Any], way: str) -> "tuple[Post, Printed]":
        """Return the answer, and what was printed when the function asked for the next event."""
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": "request-1",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
            "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:eu-west-1:123456789012:function:{NAME}",
        }
        self._api.hand_out(Event(json.dumps({**event, "how": way}).encode(), headers))
        answer = self._api.wait()
        assert isinstance(answer, Post)
        assert isinstance(self._api.wait(), Next)
        return answer, Printed(self._output.read().decode().splitlines())


class Printed:
    """The lines of one invocation; `lines` has a short form of each: a text, a metric's name, or a trace's spans."""

    def __init__(self, lines: list[str]) -> None:
        parsed: list[Any] = [json.loads(line) if line.startswith("{") else line for line in lines]
        self.spans: list[dict[str, Any]] = [
            span for line in parsed if "traces" in line for trace in line["traces"] for span in trace
        ]
        self.lines = [_short(line) for line in parsed]

    @property
    def root(self) -> dict[str, Any]:
        """The span of the invocation."""
        (root,) = (span for span in self.spans if span["name"] == "aws.lambda")
        return root

    def place(self, line: str) -> int:
        """Where the line stands."""
        return self.lines.index(line)


def _short(line: Any) -> str:
    if isinstance(line, str):
        return line.partition("\r")[0]
    if "m" in line:
        return f"metric {line['m']}"
    return "trace " + " ".join(span["name"] for trace in line["traces"] for span in trace)


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


@contextmanager
def watched(layer: Path, how: str, handler: str) -> Iterator[Function]:
    """Run one of the functions of app.py under the layer."""
    handlers = {
        REDIRECTED: ("datadog_lambda.handler.handler", {"DD_LAMBDA_HANDLER": f"app.{handler}"}),
        DECORATED: (f"app.wrapped_{handler}", {}),
    }
    name, variables = handlers[how]
    variables |= {
        "AWS_LAMBDA_FUNCTION_NAME": NAME,
        "DD_TRACE_ENABLED": "true",
        "DD_FLUSH_TO_LOG": "true",
        "DD_CAPTURE_LAMBDA_PAYLOAD": "true",  # it looks at what the handler returns
        "DD_COLD_START_TRACING": "false",  # a line longer than the pipe that nobody reads while the function runs
    }
    with unmarked(), QueuedApi() as api, layer_process(layer, api.address, TASK, name, **variables) as process:
        assert isinstance(api.wait(), Next)
        yield Function(api, process)
        process.terminate()


@pytest.fixture(scope="module", params=HOW)
def streamed(request: pytest.FixtureRequest, layer: Path) -> Iterator[Function]:
    with watched(layer, request.param, "streamed") as function:
        yield function


@pytest.fixture(scope="module", params=HOW)
def plain(request: pytest.FixtureRequest, layer: Path) -> Iterator[Function]:
    with watched(layer, request.param, "plain") as function:
        yield function


def status(answer: Post) -> int:
    """Return that of a function URL's answer."""
    return int(json.loads(answer.body.partition(bytes(8))[0])["statusCode"])


@pytest.mark.parametrize("way", WAYS)
def test_the_trace_is_sent_after_the_body_and_before_the_next_event_and_has_what_happened_in_it(
    way: str, streamed: Function
) -> None:
    answer, printed = streamed.invoke(FUNCTION_URL, way)

    assert answer.body.endswith(b"onetwo")
    (trace,) = (line for line in printed.lines if line.startswith("trace"))
    assert trace.endswith(" aws.lambda one two")
    assert printed.place("metric words") < printed.place(END) < printed.place(trace)
    assert [span["parent_id"] for span in printed.spans[-2:]] == [printed.root["span_id"]] * 2
    assert printed.root["error"] == 0
    assert printed.root["meta"]["http.status_code"] == str(status(answer))


def test_a_direct_invocation_is_traced_too(streamed: Function) -> None:
    answer, printed = streamed.invoke(DIRECT, "sync")

    assert answer.body == b"onetwo"
    assert printed.place(END) < printed.place("trace aws.lambda one two")


@pytest.mark.parametrize("way", WAYS)
def test_an_error_after_the_first_chunk_is_the_spans_and_the_callers(way: str, streamed: Function) -> None:
    answer, printed = streamed.invoke(FAILING, way)

    assert answer.body.endswith(b"onetwo")
    assert answer.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert printed.root["error"] == 1
    assert printed.root["meta"]["error.message"] == "midway"
    assert printed.root["meta"]["http.status_code"] == "502"  # Datadog's guess for a handler that raises
    assert "metric aws.lambda.enhanced.errors" in printed.lines
    assert printed.lines.count("[ERROR] Broken: midway") == 1


# --- without @streaming: what the documentation warns of -------------------------------------------------------------


@pytest.mark.parametrize("way", ["sync", "async", "bare"])
def test_without_streaming_the_trace_is_sent_before_the_body_which_streams_all_the_same(
    way: str, plain: Function
) -> None:
    answer, printed = plain.invoke(FUNCTION_URL, way)

    assert answer.body.endswith(b"onetwo")
    (trace, *others) = (line for line in printed.lines if line.startswith("trace"))
    assert trace.endswith(" aws.lambda")
    assert others == ["trace one", "trace two"]  # on their own
    assert printed.place(trace) < printed.place(END)


def test_without_streaming_the_span_of_a_stream_that_fails_has_no_error(plain: Function) -> None:
    answer, printed = plain.invoke(FAILING, "sync")

    assert answer.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert printed.root["error"] == 0
    assert "metric aws.lambda.enhanced.errors" not in printed.lines


def test_what_open_stream_has_written_is_in_the_trace_without_streaming_too(plain: Function) -> None:
    answer, printed = plain.invoke(FAILING, "writing")

    assert answer.trailers["lambda-runtime-function-error-type"] == "Function.Broken"
    assert [span["name"] for span in printed.spans][-3:] == ["aws.lambda", "one", "two"]
    assert printed.root["error"] == 1


def test_open_stream_without_streaming_looks_to_datadog_like_a_handler_without_an_answer(plain: Function) -> None:
    answer, printed = plain.invoke(FUNCTION_URL, "writing")

    assert status(answer) == 201
    assert printed.root["meta"]["http.status_code"] == "502"
    assert printed.root["error"] == 1
