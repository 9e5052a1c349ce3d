from collections.abc import Iterator

import pytest

from lambda_streamify_emulator.errors import EndpointError
from lambda_streamify_emulator.load.measurement import read
from lambda_streamify_emulator.recordings.recording import Event, chunk_event
from lambda_streamify_emulator.recordings.timeline import measure


def head(status: int, **headers: str) -> Event:
    return Event(10, "h", {"status_code": status, "headers": headers, "cookies": []})


END = Event(90, "x", {"reason": "end", "bytes": 0, "chunks": 0})
CUT = Event(80, "e", {"type": "IncompleteRead", "message": "the body was cut off"})
CHUNKS = [chunk_event(20, b"abc"), chunk_event(50, b"def")]


@pytest.mark.parametrize(
    ("events", "outcome", "status", "reason"),
    [
        ([head(200), *CHUNKS, END], "complete", 200, ""),
        ([head(302), END], "complete", 302, ""),
        ([*CHUNKS, END], "complete", None, ""),
        ([head(200), *CHUNKS, CUT, END], "cut", 200, "IncompleteRead: the body was cut off"),
        ([head(404), *CHUNKS, END], "error status", 404, "HTTP 404"),
        ([head(502), *CHUNKS, CUT, END], "error status", 502, "HTTP 502"),
    ],
)
def test_the_events_show_how_a_stream_ended(events: list[Event], outcome: str, status: int | None, reason: str) -> None:
    seen = read(events)

    assert seen[:4] == (outcome, status, reason, measure(events))
    assert seen.gaps.count == max(0, seen.timeline.chunks - 1)


def test_without_an_answer_there_is_no_stream() -> None:
    def events() -> Iterator[Event]:
        raise EndpointError("nothing answers")
        yield END

    assert read(events())[:4] == ("no answer", None, "nothing answers", measure([]))


def test_times_count_from_when_the_request_was_due() -> None:
    seen, late = read([head(200), *CHUNKS, END]), read([head(200), *CHUNKS, END], wait=1000)

    assert (late.wait, late.timeline.first_byte, late.timeline.first_body_byte) == (1000, 1010, 1020)
    assert (late.timeline.last_body_byte, late.timeline.total) == (1050, 1090)
    assert late.timeline.gaps == seen.timeline.gaps  # no waiting is in these


def test_what_never_came_has_no_time_after_a_wait_either() -> None:
    assert read([CUT, END], wait=1000).timeline.first_byte is None


@pytest.mark.parametrize("ends_with", [b"", b"f", b"def", b"abcdef", b"def\n"])
@pytest.mark.parametrize("after", [b"", b"\n\n", b" \r\n"])
def test_a_body_with_the_right_end_is_complete(ends_with: bytes, after: bytes) -> None:
    assert read([head(200), *CHUNKS, chunk_event(60, after), END], ends_with=ends_with).outcome == "complete"


@pytest.mark.parametrize("events", [[], CHUNKS, [chunk_event(20, b"done" + b"x" * 1000)]])
def test_a_body_that_ends_otherwise_was_cut_even_if_its_connection_was_not(events: list[Event]) -> None:
    seen = read([head(200), *events, END], ends_with=b"done\n")

    assert (seen.outcome, seen.reason) == ("cut", "the body does not end with 'done\\n'")


def test_a_broken_connection_and_a_status_are_better_reasons() -> None:
    assert read([head(200), CUT, END], ends_with=b"x").reason == "IncompleteRead: the body was cut off"
    assert read([head(500), END], ends_with=b"x").reason == "HTTP 500"


def test_the_records_of_a_stream_are_counted() -> None:
    events = [head(200, **{"content-type": "text/event-stream"}), chunk_event(20, b"data: a\n"), chunk_event(30, b"\n")]

    assert read([*events, END]).records == 1
    assert read([head(200), *events[1:], END]).records == 0
