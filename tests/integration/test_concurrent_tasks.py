"""The built layer with STREAMIFY_CONCURRENCY=tasks: one process, many connections to the Runtime API."""

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from invoking import FUNCTION_URL
from layer_build import build_layer
from layer_process import layer_process
from processes import ROOT
from queued_api import Event, Next, Post, QueuedApi

if TYPE_CHECKING:
    from subprocess import Popen

FUNCTION = ROOT / "tests" / "data" / "concurrent_tasks"
# The runtime leaves SIGTERM to a handler that is there before it, such as coverage's.
UNMEASURED = {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_layer(tmp_path_factory.mktemp("layer"))


class Run:
    """A process of the layer. After the block, `output` is what it has written, `posts` what it has sent, by id."""

    def __init__(self, api: QueuedApi, process: "Popen[bytes]") -> None:
        self.api = api
        self.process = process
        self.posts: dict[str, Post] = {}
        self.output = ""

    def hand_out(self, number: int, event: object) -> None:
        """Let one of the connections have the event."""
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": f"r{number}",
            "Lambda-Runtime-Trace-Id": f"Root={number}",
        }
        self.api.hand_out(Event(json.dumps(event).encode(), headers))

    def wait_for_posts(self, count: int) -> None:
        """Read what happens until so many answers have arrived."""
        while len(self.posts) < count:
            happened = self.api.wait()
            if isinstance(happened, Post):
                self.posts[happened.path.removeprefix("invocation/").split("/")[0]] = happened

    def terminate(self) -> None:
        """Send SIGTERM, and wait for the end."""
        self.process.send_signal(signal.SIGTERM)
        self.read_output()

    def read_output(self) -> None:
        """Read what the process writes until it ends."""
        assert self.process.stdout is not None
        self.output = self.process.stdout.read().decode()


@contextmanager
def running(layer: Path, handler: str, concurrency: int, **variables: str) -> Iterator[Run]:
    settings = {
        "AWS_LAMBDA_MAX_CONCURRENCY": str(concurrency),
        "STREAMIFY_CONCURRENCY": "tasks",
        **UNMEASURED,
        **variables,
    }
    with QueuedApi() as api, layer_process(layer, api.address, FUNCTION, handler, **settings) as process:
        yield Run(api, process)


def test_64_streams_at_a_time_share_a_process_and_nothing_else(layer: Path) -> None:
    with running(layer, "app.together", 64, AWS_LAMBDA_LOG_FORMAT="JSON") as run:
        for number in range(64):
            run.hand_out(number, {"count": 64})
        run.wait_for_posts(64)
        run.terminate()

    pid = run.posts["r0"].body.split()[1].decode()
    for number in range(64):
        name = f"r{number}"
        assert run.posts[name].body.decode() == f"{name} {pid}\n{name} Root={number} None\n"
        assert run.posts[name].trailers == {}
    records = [json.loads(line) for line in run.output.splitlines()]
    logged = [(record["requestId"], record["message"]) for record in records if "message" in record]
    messages = [f"r{number} {what}" for number in range(64) for what in ("waits", "goes on", "is in a thread")]
    assert sorted(logged) == sorted((message.split(" ")[0], message) for message in messages)
    streams = {record["request_id"]: record for record in records if record.get("type") == "stream"}
    assert {record["outcome"] for record in streams.values()} == {"complete"}
    assert {name: record["bytes"] for name, record in streams.items()} == {
        name: len(post.body) for name, post in run.posts.items()
    }


def test_readers_of_two_resumable_streams_get_the_events_of_their_own(layer: Path) -> None:
    with running(layer, "app.resumed", 4) as run:
        for number, key in enumerate(("one", "two", "one", "two")):
            run.hand_out(number, key)
        run.wait_for_posts(4)
        run.terminate()

    bodies = [run.posts[f"r{number}"].body for number in range(4)]
    for key, first, second in (("one", bodies[0], bodies[2]), ("two", bodies[1], bodies[3])):
        assert first == second, "the reader has other events than the writer, or other ids"
        assert [line for line in first.decode().splitlines() if line.startswith("data: ")] == [
            f"data: {key} begins",
            f"data: {key} ends",
        ]


def test_whatever_one_does_the_others_go_on(layer: Path) -> None:
    with running(layer, "app.mixed", 4) as run:
        for number, event in enumerate(("exit", "exit in a task", "block", "thread", "value", "value")):
            run.hand_out(number, event)
        run.wait_for_posts(6)
        run.terminate()

    assert json.loads(run.posts["r0"].body)["errorType"] == "SystemExit"
    assert [run.posts[f"r{number}"].body for number in range(1, 6)] == [
        b'"exit in a task"',
        b'"block"',
        b'"thread"',
        b'"value"',
        b'"value"',
    ]
    assert run.output.count("the event loop has been blocked for about a second") == 1
    assert f"{FUNCTION / 'app.py'}:" in run.output
    assert "\t\twithout a context\n" in run.output
    assert run.process.returncode == 0


def test_an_asgi_app_starts_and_stops_once(layer: Path) -> None:
    with running(layer, "web.handler", 3) as run:
        for number in range(6):
            run.hand_out(number, FUNCTION_URL)
        run.wait_for_posts(6)
        run.terminate()

    assert len({post.body for post in run.posts.values()}) == 1
    assert b"1 " in run.posts["r0"].body
    assert run.output.count("the app stops") == 1


def test_processes_split_the_invocations(layer: Path) -> None:
    """Each process takes two: three of one process could not wait together."""
    with running(layer, "app.together", 4, STREAMIFY_PROCESSES="2") as run:
        for number in range(4):
            run.hand_out(number, {"count": 2})
        run.wait_for_posts(4)
        run.terminate()

    pids = [post.body.split()[1] for post in run.posts.values()]
    assert sorted(map(pids.count, set(pids))) == [2, 2]
    assert run.process.returncode == -signal.SIGTERM


def test_a_sync_handler_cannot_start(layer: Path) -> None:
    with running(layer, "app.plain", 4) as run:
        run.wait_for_posts(1)
        run.read_output()

    (post,) = run.posts.values()
    report = json.loads(post.body)
    assert report["errorType"] == "HandlerError"
    assert report["errorMessage"].startswith("the handler plain is a sync function, which would hold all other")
    assert run.process.returncode == 1


def test_a_runtime_api_that_goes_away_ends_the_process(layer: Path) -> None:
    with running(layer, "app.mixed", 3) as run:
        for _ in range(3):
            assert run.api.wait() == Next()
        run.api.next_status = 500
        for number in range(3):
            run.hand_out(number, "value")
        run.wait_for_posts(3)
        run.read_output()

    assert run.process.returncode == 1
    assert "the runtime stops: the Runtime API answered 500 to next" in run.output
