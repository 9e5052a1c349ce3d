import json
import tracemalloc
from itertools import count
from typing import Any

import pytest

from lambda_streamify_emulator.dashboard.activity import LINE_LENGTH, LINES, Activity, WatchedInvocation
from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE

PRELUDE = b'{"statusCode": 201, "headers": {"x": "secret"}}' + bytes(8)


class Clock:
    """Gives the time that the test has set, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def activity(clock: Clock) -> Activity:
    return Activity(clock, lambda: 1_700_000_000.0, keep=3)


def told(activity: Activity, since: int = 0) -> list[dict[str, Any]]:
    invocations: list[dict[str, Any]] = activity.since(since)["invocations"]
    json.dumps(invocations)
    return invocations


def chunk(invocation: WatchedInvocation, clock: Clock, at: float, data: bytes) -> None:
    clock.now = at
    invocation.write(data)
    invocation.border()


def test_an_invocation_is_shown_while_it_runs(activity: Activity, clock: Clock) -> None:
    invocation = activity.watch("hello", "1")
    assert told(activity) == [
        {
            "number": 1,
            "function": "hello",
            "request_id": "1",
            "began": 1_700_000_000.0,
            "elapsed": 0,
            "status": None,
            "first_byte": None,
            "largest_gap": None,
            "chunks": 0,
            "bytes": 0,
            "reason": None,
            "error": None,
            "left": False,
            "slot": 1,
            "marks": [],
        }
    ]

    invocation.start(CONTENT_TYPE)
    chunk(invocation, clock, 0.0001, PRELUDE[:9])
    chunk(invocation, clock, 0.0002, PRELUDE[9:] + b"abc")
    chunk(invocation, clock, 0.0003, b"de")
    clock.now = 0.0005

    (shown,) = told(activity)
    figures = ("elapsed", "status", "first_byte", "largest_gap", "chunks", "bytes", "reason", "marks")
    assert [shown[name] for name in figures] == [500, 201, 100, 100, 2, 5, None, [[200, 1, 3], [300, 1, 2]]]
    assert "secret" not in json.dumps(shown)


def test_when_it_is_over_it_says_how(activity: Activity, clock: Clock) -> None:
    endings = [None, FunctionError("Function.A", b'{"errorMessage": "no"}'), FunctionError("Sandbox.Timedout", b"late")]
    for error in endings:
        invocation = activity.watch("hello", "1")
        invocation.start("text/plain")
        clock.now += 0.25
        invocation.end(error)
        invocation.leave()
        clock.now += 1

    shown = told(activity)

    assert [one["elapsed"] for one in shown] == [250_000] * 3
    assert [one["reason"] for one in shown] == ["end", "error", "timeout"]
    assert [one["left"] for one in shown] == [False] * 3
    assert [one["error"] for one in shown] == [
        None,
        {"type": "Function.A", "message": "no"},
        {"type": "Sandbox.Timedout", "message": "late"},
    ]


def test_a_client_that_leaves_before_the_end_is_told(activity: Activity) -> None:
    activity.watch("hello", "1").leave()

    assert told(activity)[0]["left"]


def test_what_is_no_prelude_is_no_chunk(activity: Activity, clock: Clock) -> None:
    invocation = activity.watch("hello", "1")
    invocation.start(CONTENT_TYPE)
    chunk(invocation, clock, 1, b"no JSON" + bytes(8))

    assert (told(activity)[0]["status"], told(activity)[0]["chunks"]) == (None, 0)


def test_only_what_has_changed_is_told_again(activity: Activity, clock: Clock) -> None:
    first, second = activity.watch("hello", "1"), activity.watch("hello", "2")
    version = activity.version
    assert told(activity, version) == []

    chunk(second, clock, 1, b"a")

    assert [one["request_id"] for one in told(activity, version)] == ["2"]
    chunk(first, clock, 1, b"a")
    assert [one["request_id"] for one in told(activity, version)] == ["1", "2"]


def test_the_last_invocations_are_kept(activity: Activity) -> None:
    for number in range(5):
        activity.watch("hello", str(number))

    assert [one["request_id"] for one in told(activity)] == ["2", "3", "4"]


def test_the_last_lines_of_each_function_are_kept(activity: Activity) -> None:
    activity.log("quiet", "one")
    for number in range(LINES + 5):
        activity.log("loud", str(number))
    version = activity.version
    activity.log("quiet", "x" * (LINE_LENGTH + 1))

    logs = activity.since(0)["logs"]
    assert logs["quiet"] == ["one", "x" * LINE_LENGTH + " …"]
    assert logs["loud"] == [str(number) for number in range(5, LINES + 5)]
    assert activity.since(version)["logs"] == {"quiet": logs["quiet"][1:]}


def test_lines_go_on_to_whoever_else_gets_them(activity: Activity) -> None:
    elsewhere: list[tuple[str, str]] = []

    activity.logged(lambda *line: elsewhere.append(line))("hello", "line")

    assert elsewhere == [("hello", "line")]
    assert activity.since(0)["logs"] == {"hello": ["line"]}


def test_a_long_stream_takes_little_room() -> None:
    ticks = count()
    activity = Activity(lambda: next(ticks) / 1000)
    invocation = activity.watch("hello", "1")
    invocation.start("text/plain")
    tracemalloc.start()
    for _ in range(20_000):
        invocation.write(b"abc")
        invocation.border()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size < 200_000
    assert (told(activity)[0]["chunks"], len(told(activity)[0]["marks"]) <= 512) == (20_000, True)
