from collections.abc import Iterator

import pytest

from lambda_streamify_emulator.errors import EndpointError
from lambda_streamify_emulator.load.figures import REASON_LIMIT, LoadFigures, Measurement, read
from lambda_streamify_emulator.recordings.distribution import Distribution
from lambda_streamify_emulator.recordings.recording import Event, chunk_event
from lambda_streamify_emulator.recordings.timeline import measure


def head(status: int) -> Event:
    return Event(10, "h", {"status_code": status, "headers": {}, "cookies": []})


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


def test_only_complete_streams_add_times_and_all_streams_are_counted() -> None:
    figures = LoadFigures()
    for events in ([head(200), *CHUNKS, END], [head(200), *CHUNKS, END], [head(200), CHUNKS[0], CUT, END]):
        figures.add(read(events))
    figures.add_unfinished()

    assert figures.as_dict(2.0) == {
        "seconds": 2.0,
        "streams": 4,
        "streams_per_second": 2.0,
        "bytes": 15,
        "outcomes": {"complete": 2, "cut": 1, "error status": 0, "no answer": 0, "unfinished": 1},
        "statuses": {"200": 3},
        "failures": {"IncompleteRead: the body was cut off": 1},
        "first_byte": {"p50": 10, "p95": 10, "p99": 10, "max": 10},
        "gap": {"p50": 30, "p95": 30, "p99": 30, "max": 30},
        "largest_gap": {"p50": 30, "p95": 30, "p99": 30, "max": 30},
        "whole_stream": {"p50": 90, "p95": 90, "p99": 90, "max": 90},
        "chunks": {"p50": 2, "p95": 2, "p99": 2, "max": 2},
    }


def test_a_measure_without_values_is_none() -> None:
    figures = LoadFigures()
    figures.add(read([head(200), CHUNKS[0], END]))

    told = figures.as_dict(0)

    assert (told["largest_gap"], told["chunks"]["max"], told["streams_per_second"]) == (None, 1, 0.0)


def test_only_the_first_reasons_of_failures_are_counted_separately() -> None:
    figures = LoadFigures()
    for number in (*range(REASON_LIMIT + 5), 0):
        figures.add(Measurement("no answer", None, f"reason {number}", measure([]), Distribution()))

    failures = figures.as_dict(1)["failures"]

    assert len(failures) == REASON_LIMIT + 1
    assert (failures["others"], failures["reason 0"]) == (5, 2)
