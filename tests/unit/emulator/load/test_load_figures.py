import json
from typing import Any

import pytest

from lambda_streamify_emulator.load.figures import LAG_LIMIT_US, REASON_LIMIT, LoadFigures, pace
from lambda_streamify_emulator.load.measurement import Measurement, read
from lambda_streamify_emulator.load.slo import parse_slo
from lambda_streamify_emulator.recordings.distribution import Distribution
from lambda_streamify_emulator.recordings.recording import Event, chunk_event
from lambda_streamify_emulator.recordings.timeline import measure

HEAD = Event(10, "h", {"status_code": 200, "headers": {"content-type": "application/x-ndjson"}, "cookies": []})
END = Event(90, "x", {"reason": "end", "bytes": 0, "chunks": 0})
CUT = Event(80, "e", {"type": "IncompleteRead", "message": "the body was cut off"})
CHUNKS = [chunk_event(20, b"abc"), chunk_event(50, b"de\n")]
COMPLETE, BROKEN = [HEAD, *CHUNKS, END], [HEAD, CHUNKS[0], CUT, END]


def spread(value: int) -> dict[str, int]:
    return {"p50": value, "p95": value, "p99": value, "max": value}


def test_only_complete_streams_add_times_and_all_streams_are_counted() -> None:
    figures = LoadFigures()
    for events in (COMPLETE, COMPLETE, BROKEN):
        figures.add(read(events))
    figures.add_unfinished()
    figures.add_not_started(7)
    figures.add_wait(3)
    figures.add_lag(5)

    assert figures.as_dict(2.0) == {
        "seconds": 2.0,
        "streams": 4,
        "streams_per_second": 2.0,
        "chunks_per_second": 2.5,
        "records_per_second": 1.0,
        "bytes": 15,
        "outcomes": {"complete": 2, "cut": 1, "error status": 0, "no answer": 0, "unfinished": 1, "not started": 7},
        "statuses": {"200": 3},
        "failures": {"IncompleteRead: the body was cut off": 1},
        "goodput": None,
        "trusted": True,
        "first_byte": spread(10),
        "gap": spread(30),
        "largest_gap": spread(30),
        "whole_stream": spread(90),
        "chunks": spread(2),
        "wait": spread(3),
        "client_lag": spread(5),
        # One chunk came 30 microseconds after the first. Distributions keep four digits.
        "stream_chunks_per_second": {"p50": 33330.0, "p5": 33330.0, "p1": 33330.0, "min": 33330.0},
        "stream_records_per_second": None,
    }


def test_a_measure_without_values_is_none() -> None:
    figures = LoadFigures()
    figures.add(read([HEAD, CHUNKS[0], END]))

    told = figures.as_dict(0)

    assert (told["largest_gap"], told["chunks"]["max"], told["streams_per_second"]) == (None, 1, 0.0)


def test_only_the_first_reasons_of_failures_are_counted_separately() -> None:
    figures = LoadFigures()
    for number in (*range(REASON_LIMIT + 5), 0):
        figures.add(Measurement("no answer", None, f"reason {number}", measure([]), Distribution()))

    failures = figures.as_dict(1)["failures"]

    assert len(failures) == REASON_LIMIT + 1
    assert (failures["others"], failures["reason 0"]) == (5, 2)


def test_goodput_is_the_streams_that_are_complete_and_within_all_limits() -> None:
    figures = LoadFigures()
    for limits, events in (
        ("ttfb=10us,gap=30us", COMPLETE),
        ("ttfb=10us,gap=30us", BROKEN),
        ("ttfb=9us,gap=29us", COMPLETE),
        ("ttfb=9us,gap=29us", COMPLETE),
    ):
        figures.add(read(events), parse_slo(limits))
    figures.add_not_started(6)

    assert figures.as_dict(2)["goodput"] == {
        "slo": "ttfb=10us,gap=30us; ttfb=9us,gap=29us",
        "good": 1,
        "streams": 10,  # one that was due and not sent is not good either
        "good_per_second": 0.5,
        "missed": {"ttfb": 2, "gap": 2},
    }


def test_a_late_client_is_not_trusted() -> None:
    figures = LoadFigures()
    for _ in range(99):
        figures.add_lag(LAG_LIMIT_US)
    figures.add_lag(LAG_LIMIT_US * 10)
    assert figures.as_dict(1)["trusted"]

    figures.add_lag(LAG_LIMIT_US * 10)
    assert not figures.as_dict(1)["trusted"]


@pytest.mark.parametrize("through", [lambda state: state, lambda state: json.loads(json.dumps(state))])
def test_figures_of_several_processes_add_up(through: Any) -> None:
    whole, first, second = LoadFigures(), LoadFigures(), LoadFigures()
    for part, events in ((first, COMPLETE), (second, BROKEN), (second, COMPLETE)):
        for figures in (part, whole):
            figures.add(read(events), parse_slo("gap=30us"))
    for part, lag in ((first, 1), (second, 10)):
        for figures in (part, whole):
            figures.add_lag(lag)
            figures.add_wait(lag)
            figures.add_not_started(lag)
    second.add_unfinished()
    whole.add_unfinished()

    merged = LoadFigures()
    merged.merge(through(first.state()))
    merged.merge(through(second.state()))
    merged.merge(LoadFigures().state())

    assert merged.as_dict(3) == whole.as_dict(3)


def test_the_pace_of_a_stream_leaves_out_the_time_before_its_first_chunk() -> None:
    chunks = [chunk_event(1_000_000, b"a"), chunk_event(1_500_000, b"b"), chunk_event(3_000_000, b"c")]
    timeline = measure([HEAD, *chunks, END])

    assert pace(timeline, 3) == 1000  # two chunks in two seconds, in thousandths
    assert pace(timeline, 1) is None
    assert pace(measure([HEAD, chunks[0], END]), 2) is None
    assert pace(measure([HEAD, END]), 2) is None
