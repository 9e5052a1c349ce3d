import io
import json
import tracemalloc
from itertools import count
from typing import Any

import pytest

from exchanges import nowhere
from lambda_streamify_emulator.activity.activity import LINE_LENGTH_LIMIT, LINE_LIMIT, Activity
from lambda_streamify_emulator.activity.invocation import CHUNKS_LIMIT_BYTES, EVENT_LIMIT_BYTES, WatchedInvocation
from lambda_streamify_emulator.invocations.channel import FunctionError
from lambda_streamify_emulator.invocations.invocation import Invocation
from lambda_streamify_emulator.invocations.prelude import CONTENT_TYPE
from lambda_streamify_emulator.recordings.recording import RecordingReader
from lambda_streamify_emulator.web.exchange import BODY_LIMIT_BYTES, Exchange

PRELUDE = b'{"statusCode": 201, "headers": {"x": "secret"}}' + bytes(8)


class Clock:
    """Returns the time that the test has set, in seconds."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def activity(clock: Clock) -> Activity:
    return Activity(clock, lambda: 1_700_000_000.0, limit=3)


def watch(activity: Activity, request_id: str = "1", event: bytes = b"{}") -> WatchedInvocation:
    return activity.watch("hello", Invocation(event, request_id=request_id))


def invocations_since(activity: Activity, version: int = 0) -> list[dict[str, Any]]:
    invocations: list[dict[str, Any]] = activity.since(version)["rows"]
    json.dumps(invocations)
    return invocations


def chunk(invocation: WatchedInvocation, clock: Clock, at: float, data: bytes) -> None:
    clock.now = at
    invocation.write(data)
    invocation.end_chunk()


def test_an_invocation_is_shown_while_it_runs(activity: Activity, clock: Clock) -> None:
    invocation = watch(activity, "1")
    assert invocations_since(activity) == [
        {
            "number": 1,
            "method": None,
            "target": None,
            "api": None,
            "waited": 0,
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
            "ending": None,
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

    (shown,) = invocations_since(activity)
    figures = ("elapsed", "status", "first_byte", "largest_gap", "chunks", "bytes", "ending", "marks")
    assert [shown[name] for name in figures] == [500, 201, 100, 100, 2, 5, None, [[200, 1, 3], [300, 1, 2]]]
    assert "secret" not in json.dumps(shown)


def test_a_complete_invocation_shows_how_it_ended(activity: Activity, clock: Clock) -> None:
    endings = [None, FunctionError("Function.A", b'{"errorMessage": "no"}'), FunctionError("Sandbox.Timedout", b"late")]
    for error in endings:
        invocation = watch(activity, "1")
        invocation.start("text/plain")
        clock.now += 0.25
        invocation.end(error)
        invocation.leave()
        clock.now += 1

    shown = invocations_since(activity)

    assert [one["elapsed"] for one in shown] == [250_000] * 3
    assert [one["ending"] for one in shown] == ["end", "error", "timeout"]
    assert [one["left"] for one in shown] == [False] * 3
    assert [one["error"] for one in shown] == [
        None,
        {"type": "Function.A", "message": "no"},
        {"type": "Sandbox.Timedout", "message": "late"},
    ]


def test_a_client_that_disconnects_early_is_shown(activity: Activity) -> None:
    watch(activity, "1").leave()

    assert invocations_since(activity)[0]["left"]


def test_an_invalid_prelude_is_not_counted_as_a_chunk(activity: Activity, clock: Clock) -> None:
    invocation = watch(activity, "1")
    invocation.start(CONTENT_TYPE)
    chunk(invocation, clock, 1, b"no JSON" + bytes(8))

    assert (invocations_since(activity)[0]["status"], invocations_since(activity)[0]["chunks"]) == (None, 0)


def test_only_changed_invocations_are_returned(activity: Activity, clock: Clock) -> None:
    first, second = watch(activity, "1"), watch(activity, "2")
    version = activity.version
    assert invocations_since(activity, version) == []

    chunk(second, clock, 1, b"a")

    assert [one["request_id"] for one in invocations_since(activity, version)] == ["2"]
    chunk(first, clock, 1, b"a")
    assert [one["request_id"] for one in invocations_since(activity, version)] == ["1", "2"]


def test_the_last_invocations_are_kept(activity: Activity) -> None:
    for number in range(5):
        watch(activity, str(number))

    assert [one["request_id"] for one in invocations_since(activity)] == ["2", "3", "4"]


def test_the_last_lines_of_each_function_are_kept(activity: Activity) -> None:
    activity.log("quiet", "one")
    for number in range(LINE_LIMIT + 5):
        activity.log("loud", str(number))
    version = activity.version
    activity.log("quiet", "x" * (LINE_LENGTH_LIMIT + 1))

    lines = activity.since(0)["lines"]
    assert lines == sorted(lines)
    assert [text for _, name, text in lines if name == "quiet"] == ["one", "x" * LINE_LENGTH_LIMIT + " …"]
    assert [text for _, name, text in lines if name == "loud"] == [str(number) for number in range(5, LINE_LIMIT + 5)]
    assert [line[1:] for line in activity.since(version)["lines"]] == [("quiet", "x" * LINE_LENGTH_LIMIT + " …")]


def test_lines_are_passed_on_to_the_other_log(activity: Activity) -> None:
    elsewhere: list[tuple[str, str]] = []

    activity.logged(lambda *line: elsewhere.append(line))("hello", "line")

    assert elsewhere == [("hello", "line")]
    assert [line[1:] for line in activity.since(0)["lines"]] == [("hello", "line")]


def test_problems_of_the_template_are_sent_once_per_change(activity: Activity) -> None:
    assert activity.since(0)["problems"] is None

    activity.show_problems([{"rule": "a"}])
    version = activity.version

    assert activity.since(0)["problems"] == [{"rule": "a"}]
    assert activity.since(version)["problems"] is None
    activity.show_problems([])
    assert activity.since(version)["problems"] == []


def exchange(activity: Activity, clock: Clock, *, path: bytes = b"/chat", request_id: str | None = None) -> Exchange:
    scope = {
        "method": "POST",
        "raw_path": path,
        "query_string": b"a=1",
        "client": ("192.0.2.7", 1),
        "headers": [(b"x-mine", b"1")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 4001),
    }
    made = Exchange(scope, nowhere, function="hello", api=None, clock=clock, wall_clock=lambda: 1_600_000_000.0)
    activity.note(made)
    made.request_id = request_id
    activity.note(made)
    return made


def send(activity: Activity, made: Exchange, status: int, body: bytes) -> None:
    made.send({"type": "http.response.start", "status": status, "headers": [(b"x-answer", b"2")]})
    made.send({"type": "http.response.body", "body": body})
    activity.note(made)


def test_a_request_and_its_invocation_are_one_row_with_the_status_that_the_client_got(
    activity: Activity, clock: Clock
) -> None:
    made = exchange(activity, clock, request_id="r-1")
    invocation = watch(activity, "r-1")
    invocation.end(FunctionError("Runtime.Unknown", b'{"errorType": "ValueError", "errorMessage": "no"}'))
    clock.now = 0.5
    send(activity, made, 502, b"Internal Server Error")

    (row,) = invocations_since(activity)

    assert (row["method"], row["target"], row["status"], row["request_id"]) == ("POST", "/chat?a=1", 502, "r-1")
    assert (row["ending"], row["error"]) == ("error", {"type": "ValueError", "message": "no"})
    assert row["began"] == 1_600_000_000.0


def test_times_count_from_the_request_also_if_the_function_is_invoked_later(activity: Activity, clock: Clock) -> None:
    exchange(activity, clock, request_id="r-1")
    clock.now = 10
    invocation = watch(activity, "r-1")
    chunk(invocation, clock, 11, b"a")
    invocation.end(None)

    (row,) = invocations_since(activity)

    assert (row["waited"], row["first_byte"], row["elapsed"]) == (10_000_000, 11_000_000, 11_000_000)
    assert row["marks"] == [[pytest.approx(1_000_000 / row["slot"], abs=1), 1, 1]]


def test_a_request_that_reaches_no_function_is_a_row_too(activity: Activity, clock: Clock) -> None:
    made = exchange(activity, clock, request_id="r-1")
    made.reason = "throttled"
    clock.now = 0.25
    send(activity, made, 429, b"Rate")

    (row,) = invocations_since(activity)

    figures = ("status", "reason", "ending", "elapsed", "first_byte", "chunks", "bytes", "marks", "left")
    assert [row[name] for name in figures] == [429, "throttled", "end", 250_000, 250_000, 1, 4, [], False]


def test_an_invocation_with_the_request_id_of_an_earlier_one_is_another_row(activity: Activity, clock: Clock) -> None:
    exchange(activity, clock, request_id="r-1")
    watch(activity, "r-1")
    watch(activity, "r-1")

    assert [one["method"] for one in invocations_since(activity)] == ["POST", None]


def test_a_request_that_outlives_its_row_does_not_come_back(activity: Activity, clock: Clock) -> None:
    old = exchange(activity, clock, path=b"/old", request_id="r-1")
    for number in range(3):
        exchange(activity, clock, path=b"/new", request_id=str(number))
    send(activity, old, 200, b"")

    assert [one["target"] for one in invocations_since(activity)] == ["/new?a=1"] * 3
    watch(activity, "r-1")
    assert len(invocations_since(activity)) == 3


# --- an open row ------------------------------------------------------------------------------------------------------


def details(activity: Activity, number: int = 1) -> dict[str, Any]:
    row = activity.row(number)
    assert row is not None
    return json.loads(json.dumps(row.details()))  # type: ignore[no-any-return]


def test_an_open_row_shows_the_request_the_head_the_chunks_and_the_log(activity: Activity, clock: Clock) -> None:
    made = exchange(activity, clock, request_id="r-1")
    made.receive({"type": "http.request", "body": b"question"})
    called = Invocation(b"{}", request_id="r-1")
    invocation = activity.watch("hello", called)
    invocation.start(CONTENT_TYPE)
    chunk(invocation, clock, 0.5, PRELUDE)
    chunk(invocation, clock, 1, "grün".encode())
    chunk(invocation, clock, 2, b"\xff")
    called.tail.add("printed")
    invocation.end(None)
    send(activity, made, 201, b"gr")

    shown = details(activity)

    assert shown["request"] == {
        "method": "POST",
        "target": "/chat?a=1",
        "headers": [["x-mine", "1"]],
        "body": "question",
        "body_size": 8,
        "is_whole": True,
        "client": "192.0.2.7",
    }
    assert shown["head"] == {"status": 201, "headers": [["x-answer", "2"]]}
    assert shown["chunks"] == [[1_000_000, "o", "grün"], [2_000_000, "b", "/w=="]]
    assert (shown["log"], shown["event"], shown["is_savable"]) == ("printed\n", None, True)


def test_an_open_row_of_another_invocation_shows_its_event(activity: Activity, clock: Clock) -> None:
    invocation = watch(activity, event=b'{"a": 1}')
    invocation.start(CONTENT_TYPE)
    chunk(invocation, clock, 1, PRELUDE)

    shown = details(activity)

    assert (shown["request"], shown["event"]) == (None, '{"a": 1}')
    assert (shown["is_repeatable"], shown["is_savable"]) == (True, False)
    assert shown["head"] == {"status": 201, "headers": [["x", "secret"]]}


def test_the_event_and_the_body_of_a_request_are_kept_up_to_a_limit(activity: Activity, clock: Clock) -> None:
    watch(activity, event=bytes(EVENT_LIMIT_BYTES + 1))
    made = exchange(activity, clock)
    made.receive({"type": "http.request", "body": b"x" * (BODY_LIMIT_BYTES + 1)})

    assert details(activity, 1)["event"] is None
    request = details(activity, 2)["request"]
    assert (len(request["body"]), request["is_whole"]) == (BODY_LIMIT_BYTES, False)
    assert [details(activity, number)["is_repeatable"] for number in (1, 2)] == [False, False]


def test_a_response_is_saved_as_a_recording_without_secrets(activity: Activity, clock: Clock) -> None:
    invocation = watch(activity)
    invocation.start(CONTENT_TYPE)
    chunk(invocation, clock, 1, b'{"statusCode": 201, "cookies": ["id=hidden"]}' + bytes(8) + b"abc")
    invocation.end(FunctionError("Function.A", b'{"errorType": "ValueError", "errorMessage": "no"}'))
    row = activity.row(1)
    assert row is not None

    text = row.recording()

    assert text is not None
    assert "hidden" not in text
    reader = RecordingReader(io.StringIO(text))
    assert (reader.header.layer, reader.header.more["recorded"]) == ("runtime-api", "2023-11-14T22:13:20Z")
    assert [event.code for event in reader] == ["h", "o", "e", "x"]
    assert '"type": "Function.A"' in text.replace('":"', '": "')


def test_a_response_that_is_too_long_to_keep_cannot_be_saved(activity: Activity, clock: Clock) -> None:
    invocation = watch(activity)
    invocation.start("text/plain")
    for data in (b"a", b"b" * CHUNKS_LIMIT_BYTES, b"c"):
        chunk(invocation, clock, 1, data)
    invocation.end(None)

    shown = details(activity)

    assert (len(shown["chunks"]), shown["dropped_chunks"], shown["is_savable"]) == (1, 2, False)


def test_a_long_stream_takes_little_memory() -> None:
    ticks = count()
    activity = Activity(lambda: next(ticks) / 1000)
    invocation = watch(activity, "1")
    invocation.start("text/plain")
    tracemalloc.start()
    for _ in range(20_000):
        invocation.write(b"abc")
        invocation.end_chunk()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size < 200_000
    assert (invocations_since(activity)[0]["chunks"], len(invocations_since(activity)[0]["marks"]) <= 512) == (
        20_000,
        True,
    )


def test_what_is_done_before_a_function_can_run_is_shown_until_it_is_over(activity: Activity) -> None:
    before = activity.version
    activity.show_state("hello", "installing requirements")
    activity.show_state("other", "installing awslambdaric")
    seen = activity.since(before)
    assert seen["states"] == {"hello": "installing requirements", "other": "installing awslambdaric"}

    activity.show_state("hello", None)

    assert activity.since(seen["version"])["states"] == {"hello": None}
    assert activity.since(activity.version)["states"] == {}


def test_the_sandboxes_of_a_function_replace_those_before() -> None:
    activity = Activity()
    assert activity.since(0)["sandboxes"] == {}

    activity.show_sandboxes("hello", [{"running": 1}])
    version = activity.version

    assert activity.since(0)["sandboxes"] == {"hello": [{"running": 1}]}
    assert activity.since(version)["sandboxes"] == {}
    activity.show_sandboxes("hello", [])
    assert activity.since(version)["sandboxes"] == {"hello": []}
