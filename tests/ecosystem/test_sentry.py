"""Sentry's AwsLambdaIntegration, which replaces parts of AWS's client, under that client and under the built layer.

In the first tests the function's transport prints what it is told to send: `flush` is a line of standard output. In
the others it is Sentry's own, and Sentry's server is one of the test's.
"""

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest
from sentry_sdk.envelope import Envelope

from invoking import DIRECT, FUNCTION_URL, HTTP_API
from parity import DATA, RUNTIMES, Case, Observation, Scene, observe
from queued_api import Next, Post, QueuedApi
from sandbox import FileSystem, Sandbox, installed_packages, make_file_system, running
from waiting import TIMEOUT_S

TASK = DATA / "sentry"
CASES = (Case("plain"), Case("fails", b'{"fail": true}'), Case("logs", b'{"log": true}'), Case("again"))
FAILED = {
    "message": None,
    "exceptions": [["ValueError", "wrong", "aws_lambda"]],
    "functions": ["prepare"],
    "lambda": "id-of-fails",
    "region": "eu-central-1",
}
LOGGED = {"message": "logged", "exceptions": [], "functions": [], "lambda": "id-of-logs", "region": "eu-central-1"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> FileSystem:
    return make_file_system(tmp_path_factory.mktemp("sentry") / "root", installed_packages())


def flushed(seen: Observation) -> list[list[object]]:
    """Return what was sent each time that something was to be sent."""
    lines = seen["stdout"].splitlines()
    return [json.loads(line.removeprefix("flush ")) for line in lines if line.startswith("flush ")]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_errors_of_the_handler_and_of_the_log_are_sent_with_each_answer(
    runtime: str, system: FileSystem, tmp_path: Path
) -> None:
    seen = observe(runtime, Scene("sentry", CASES, handler="watched.handler", task=TASK), system, tmp_path)

    assert flushed(seen["plain"]) == flushed(seen["again"]) == [[]]
    assert flushed(seen["fails"]) == [[FAILED]]
    assert flushed(seen["logs"]) == [[LOGGED]]


def test_the_caller_and_the_log_are_told_the_same_under_both(system: FileSystem, tmp_path: Path) -> None:
    scene = Scene("sentry", CASES, handler="watched.handler", task=TASK)
    aws, ours = (observe(runtime, scene, system, tmp_path) for runtime in RUNTIMES)

    assert ours == aws


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_error_while_the_function_is_imported_is_sent(runtime: str, system: FileSystem, tmp_path: Path) -> None:
    seen = observe(runtime, Scene("sentry", handler="fails.handler", task=TASK), system, tmp_path)

    (event,) = [event for events in flushed(seen["start"]) for event in events]
    assert isinstance(event, dict)
    assert event["exceptions"] == [["ValueError", "unset", "aws_lambda"]]
    assert event["functions"] == ["prepare"]
    assert seen["start"]["outcome"] == "error, exit 1"


# --- streams ---------------------------------------------------------------------------------------------------------

STREAMS = (
    *("generator", "plain_dict", "async_generator", "coroutine", "written"),
    *("streaming_generator", "streaming_async_generator", "streaming_coroutine"),
)
CALLERS = {"function URL": FUNCTION_URL, "HTTP API": HTTP_API, "direct": DIRECT}


class SentryServer(ThreadingHTTPServer):
    """Sentry's ingestion: keeps the items that have reached it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Ingestion)
        self._lock = Lock()
        self._items: list[Any] = []

    @property
    def dsn(self) -> str:
        """As functions are given it."""
        return f"http://key@127.0.0.1:{self.server_port}/1"

    def receive(self, items: list[Any]) -> None:
        """Keep the items."""
        with self._lock:
            self._items += items

    def take(self) -> list[Any]:
        """Return what has come since the last call."""
        with self._lock:
            taken, self._items = self._items, []
        return taken


def _decoded(body: bytes, coding: str | None) -> bytes:
    """An envelope as it was: Sentry packs it with Brotli where something else has brought that along."""
    if coding == "br":
        import brotli

        decompressed: bytes = brotli.decompress(body)
        return decompressed
    return gzip.decompress(body) if coding == "gzip" else body


class _Ingestion(BaseHTTPRequestHandler):
    server: SentryServer

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        data = _decoded(body, self.headers["Content-Encoding"])
        time.sleep(0.05)  # no test waits for this: it shows what nobody has waited for
        payloads = [item.payload.json for item in Envelope.deserialize(data).items]
        self.server.receive([payload for payload in payloads if payload is not None])
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        with suppress(ConnectionError):  # of a client that has been ended
            self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Function:
    """The function `streams` under the layer's runtime."""

    def __init__(self, api: QueuedApi, sandbox: Sandbox, sentry: SentryServer) -> None:
        self._api = api
        self._sandbox = sandbox
        self._sentry = sentry

    def invoke(self, stream: str, event: dict[str, Any], milliseconds: int = 60_000) -> tuple[bytes, list[Any]]:
        """Return the answer's body, and what had reached Sentry when the function asked for the next event."""
        deadline = str(int(time.time() * 1000) + milliseconds)
        body = json.dumps({**event, "stream": stream}).encode()
        self._api.hand_out(Case("case", body, {"Lambda-Runtime-Deadline-Ms": deadline}).event())
        answer = self._api.wait()
        assert isinstance(answer, Post), self._sandbox.written("stdout")
        assert isinstance(self._api.wait(), Next)
        return answer.body, self._sentry.take()


@contextmanager
def function(system: FileSystem, scratch: Path, **variables: str) -> Iterator[Function]:
    """Start the function, with a server for Sentry's client."""
    with SentryServer() as sentry:
        thread = Thread(target=sentry.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        settings = {
            "_HANDLER": "streams.handler",
            "AWS_LAMBDA_EXEC_WRAPPER": str(system.layer / "streamify"),
            "AWS_LAMBDA_FUNCTION_NAME": "watched",
            "SENTRY_DSN": sentry.dsn,
            **variables,
        }
        with QueuedApi() as api, running(system, api, TASK, scratch, settings) as sandbox:
            assert isinstance(api.wait(), Next), sandbox.written("stdout")
            yield Function(api, sandbox, sentry)
        sentry.shutdown()
        thread.join(TIMEOUT_S)


@pytest.fixture(scope="module")
def watched(system: FileSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Function]:
    with function(system, tmp_path_factory.mktemp("watched") / "process") as watched:
        yield watched


def errors(items: list[Any]) -> list[tuple[str, str, str]]:
    """Return type, text and mechanism of the errors among the items."""
    exceptions = [one for item in items for one in item.get("exception", {}).get("values", [])]
    return [(one["type"], one["value"], one["mechanism"]["type"]) for one in exceptions]


def transactions(items: list[Any]) -> list[tuple[str, list[str]]]:
    """Return the names of the transactions among the items, with those of their spans."""
    found = [item for item in items if item.get("type") == "transaction"]
    return [(item["transaction"], [span["description"] for span in item["spans"]]) for item in found]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("stream", STREAMS)
def test_an_error_in_the_midst_of_a_stream_has_reached_sentry_before_the_next_invocation(
    stream: str, caller: str, watched: Function
) -> None:
    body, items = watched.invoke(stream, {**CALLERS[caller], "fail": True})

    assert b"two" not in body
    assert errors(items) == [("Broken", "midway", "aws_lambda")]
    assert transactions(items) == [("watched", ["while it streams"])]


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("stream", STREAMS)
def test_a_transaction_spans_the_stream_and_has_reached_sentry_before_the_next_invocation(
    stream: str, caller: str, watched: Function
) -> None:
    body, items = watched.invoke(stream, CALLERS[caller])

    assert b"onetwo" in body
    assert errors(items) == []
    assert transactions(items) == [("watched", ["while it streams"])]


def test_an_error_that_a_wrapper_swallows_is_none_to_sentry(watched: Function) -> None:
    body, items = watched.invoke("swallowing", {**FUNCTION_URL, "fail": True})

    assert b"two" not in body
    assert errors(items) == []
    assert transactions(items) == [("watched", ["while it streams"])]


def test_a_warning_that_the_time_is_nearly_up_comes_while_the_stream_lasts(system: FileSystem, tmp_path: Path) -> None:
    with function(system, tmp_path / "process", TIMEOUT_WARNING="1") as watched:
        for stream in ("generator", "streaming_generator", "async_generator"):
            # The warning comes 1500 ms before the end; the stream waits for it.
            body, items = watched.invoke(stream, {**FUNCTION_URL, "warned": True}, milliseconds=3000)

            assert body.endswith(b"onetwo")
            assert [kind for kind, _, _ in errors(items)] == ["ServerlessTimeoutWarning"]
