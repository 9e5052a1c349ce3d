"""Powertools' three decorators around streams, under the built layer: what is emitted, and when.

Metrics and logs are lines of standard output, traces are datagrams to X-Ray's daemon, which is a socket of the test's.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest

from invoking import FUNCTION_URL, HTTP_API
from parity import Case
from processes import ROOT
from queued_api import Next, Post, QueuedApi
from sandbox import FileSystem, Sandbox, installed_packages, make_file_system, running

TASK = ROOT / "tests" / "data" / "powertools"
STREAMS = ("generator", "async generator", "written")
CALLERS = {"function URL": FUNCTION_URL, "HTTP API": HTTP_API, "direct": {}}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> FileSystem:
    return make_file_system(tmp_path_factory.mktemp("powertools") / "root", installed_packages())


class Answer:
    """What one invocation has left behind by the time that the function asks for the next event."""

    def __init__(self, trace_id: str, post: Post, stdout: str, datagrams: list[str]) -> None:
        self.trace_id = trace_id
        self.path = post.path.rpartition("/")[2]
        self.body = post.body
        self.lines = stdout.splitlines()
        self.traced = datagrams

    @property
    def told(self) -> list[Any]:
        """The lines that are JSON, parsed, and the others as they are."""
        return [json.loads(line) if line.startswith("{") else line for line in self.lines]

    @property
    def metrics(self) -> list[list[float]]:
        """The values of the metric in each record in CloudWatch's embedded metric format."""
        return [line["Chunks"] for line in self.told if isinstance(line, dict) and "_aws" in line]

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The records of Powertools' Logger."""
        return [line for line in self.told if isinstance(line, dict) and "message" in line]

    @property
    def traces(self) -> list[Any]:
        """The subsegments in the order in which they came, and the mark."""
        return [json.loads(text.partition("\n")[2]) if text.startswith("{") else text for text in self.traced]

    def traced_as(self, name: str) -> Any:
        """The only subsegment of this name."""
        (found,) = [trace for trace in self.traces if isinstance(trace, dict) and trace["name"] == name]
        return found


class Function:
    """The function `watched` under the layer's runtime."""

    def __init__(self, api: QueuedApi, sandbox: Sandbox, daemon: socket.socket) -> None:
        self._api = api
        self._sandbox = sandbox
        self._daemon = daemon
        self._numbers = count()

    def invoke(self, handler: str, event: dict[str, Any] | None = None, **more: object) -> Answer:
        """Run one invocation."""
        trace_id = f"1-5759e988-{next(self._numbers):024x}"
        headers = {"Lambda-Runtime-Trace-Id": f"Root={trace_id};Parent=53995c3f42cd8ad8;Sampled=1"}
        body = json.dumps({**(event or {}), **more, "handler": handler}).encode()
        self._api.hand_out(Case("case", body, headers).event())
        post = self._api.wait()
        assert isinstance(post, Post), self._sandbox.written("stdout")
        assert isinstance(self._api.wait(), Next)
        return Answer(trace_id, post, self._sandbox.written("stdout").decode(), list(self._datagrams()))

    def _datagrams(self) -> Iterator[str]:
        """Return what has come: on one machine a datagram that was sent has arrived."""
        with suppress(BlockingIOError):
            while True:
                yield self._daemon.recv(65536).decode()


@pytest.fixture(scope="module")
def function(system: FileSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon, QueuedApi() as api:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(0)
        settings = {
            "_HANDLER": "watched.handler",
            "AWS_LAMBDA_EXEC_WRAPPER": str(system.layer / "streamify"),
            "AWS_LAMBDA_FUNCTION_NAME": "watched",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{daemon.getsockname()[1]}",
        }
        with running(system, api, TASK, tmp_path_factory.mktemp("function") / "process", settings) as sandbox:
            assert isinstance(api.wait(), Next), sandbox.written("stdout")
            yield Function(api, sandbox, daemon)


# --- Metrics ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("stream", STREAMS)
def test_metrics_of_a_stream_are_emitted_once_after_its_last_chunk_and_in_its_invocation(
    stream: str, caller: str, function: Function
) -> None:
    for _ in range(2):
        answer = function.invoke(stream, CALLERS[caller])

        assert b"onetwo" in answer.body
        assert answer.metrics == [[1.0, 1.0]]
        emitted = next(number for number, line in enumerate(answer.told) if isinstance(line, dict) and "_aws" in line)
        assert answer.lines.index("last chunk") < emitted
    assert function.invoke("plain").metrics == []


@pytest.mark.parametrize("stream", STREAMS)
def test_metrics_up_to_an_error_are_emitted(stream: str, function: Function) -> None:
    assert function.invoke(stream, FUNCTION_URL, fail=True).metrics == [[1.0]]
    assert function.invoke("plain").metrics == []


def test_without_streaming_they_come_with_the_next_invocation(function: Function) -> None:
    first = function.invoke("without @streaming", FUNCTION_URL)
    assert first.body.endswith(b"onetwo")
    assert first.metrics == []

    assert function.invoke("generator", FUNCTION_URL).metrics == [[1.0] * 4]


def test_where_metrics_are_demanded_their_absence_is_logged_and_the_response_stays_whole(function: Function) -> None:
    answer = function.invoke("without metrics", FUNCTION_URL)

    assert (answer.path, answer.body.endswith(b"onetwo")) == ("response", True)
    (line,) = [line for line in answer.lines if line.startswith("[ERROR]")]
    assert "SchemaValidationError" in line


def test_without_streaming_the_demand_fails_before_the_first_chunk(function: Function) -> None:
    answer = function.invoke("without metrics and @streaming", FUNCTION_URL)

    assert answer.path == "error"
    assert json.loads(answer.body)["errorType"] == "SchemaValidationError"


# --- Tracer ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", STREAMS)
def test_the_subsegment_of_the_handler_spans_the_stream(stream: str, function: Function) -> None:
    answer = function.invoke(stream, FUNCTION_URL)

    assert [trace if isinstance(trace, str) else trace["name"][:2] for trace in answer.traces] == [
        "##",
        "last chunk",
        "##",
    ]
    work, whole = answer.traced_as("## work"), answer.traces[-1]
    assert whole["name"] != "## work"
    assert work["parent_id"] == whole["id"]
    assert whole["trace_id"] == work["trace_id"] == answer.trace_id
    assert whole["start_time"] <= work["start_time"] <= work["end_time"] <= whole["end_time"]
    assert "fault" not in whole
    assert "one" not in json.dumps(whole.get("metadata"))


@pytest.mark.parametrize("stream", STREAMS)
def test_the_subsegment_of_the_handler_has_the_error_in_the_midst_of_the_stream(
    stream: str, function: Function
) -> None:
    answer = function.invoke(stream, FUNCTION_URL, fail=True)

    (whole,) = answer.traces
    assert whole["fault"] is True
    assert [(one["type"], one["message"]) for one in whole["cause"]["exceptions"]] == [("Broken", "midway")]


def test_without_streaming_it_ends_before_the_first_chunk_and_knows_of_no_error(function: Function) -> None:
    answer = function.invoke("without @streaming", FUNCTION_URL)
    assert answer.traces[0]["name"] == "## generator"
    assert [trace if isinstance(trace, str) else trace["name"] for trace in answer.traces[1:]] == [
        "## work",
        "last chunk",
    ]
    assert answer.traced_as("## work")["parent_id"] != answer.traces[0]["id"]

    (whole,) = function.invoke("without @streaming", FUNCTION_URL, fail=True).traces
    assert "fault" not in whole


def test_without_streaming_a_captured_response_has_taken_the_chunks(function: Function) -> None:
    answer = function.invoke("without @streaming, response captured", FUNCTION_URL)

    assert answer.body.partition(bytes(8))[2] == b""
    (whole,) = answer.traces
    assert whole["metadata"]["words"] == {"silent response": ["one", "two"]}


# --- Logger ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [*STREAMS, "without @streaming"])
def test_lines_that_are_logged_while_it_streams_have_the_keys_of_the_invocation(
    stream: str, function: Function
) -> None:
    answer = function.invoke(stream, FUNCTION_URL)

    (record,) = answer.logs
    assert record["message"] == "while it streams"
    assert (record["function_request_id"], record["function_name"]) == ("id-of-case", "watched")
    assert (record["phase"], record["xray_trace_id"]) == ("streaming", answer.trace_id)


@pytest.mark.parametrize("stream", STREAMS)
def test_lines_that_were_kept_back_are_written_if_the_stream_fails(stream: str, function: Function) -> None:
    answer = function.invoke(stream, FUNCTION_URL, fail=True)

    assert [record["message"] for record in answer.logs] == ["while it streams", "kept back"]
    assert [record["function_request_id"] for record in answer.logs] == ["id-of-case"] * 2


def test_without_streaming_they_are_lost(function: Function) -> None:
    answer = function.invoke("without @streaming", FUNCTION_URL, fail=True)

    assert [record["message"] for record in answer.logs] == ["while it streams"]
