import pytest

from lambda_streamify._bodies.records import CHUNKS, EVENTS, LINES
from lambda_streamify._bodies.rhythm import Pulse, Rhythm
from lambda_streamify.errors import ResponseError


def test_a_known_kind_of_body_decides_the_record_whatever_the_headers_say() -> None:
    rhythm = Rhythm(15, None, LINES)

    rhythm.settle("application/x-ndjson", {"content-type": "text/event-stream"})

    assert (rhythm.record, rhythm.kind) == (b"\n", LINES)


def test_a_record_that_was_given_stays_and_each_chunk_counts_as_a_record() -> None:
    rhythm = Rhythm(15, "# wait\n", None)

    rhythm.settle(None, {})

    assert (rhythm.record, rhythm.kind) == ("# wait\n", CHUNKS)


def test_the_headers_decide_where_nothing_else_does() -> None:
    rhythm = Rhythm(15, None, None)

    rhythm.settle(None, {"x": "y", "CONTENT-TYPE": "text/event-stream; charset=utf-8"})

    assert (rhythm.record, rhythm.kind) == (EVENTS.keep_alive, EVENTS)


def test_headers_that_are_of_no_help_are_refused() -> None:
    with pytest.raises(ResponseError, match="in a body without a content type"):
        Rhythm(15, None, None).settle(None, {"x": "text/event-stream"})
    with pytest.raises(ResponseError, match="in 'text/csv'"):
        Rhythm(15, None, None).settle("text/csv", {"content-type": "text/event-stream"})


def test_a_pulse_beats_when_it_is_due_and_only_between_records() -> None:
    now = [0.0]
    pulse = Pulse(Rhythm(10, None, EVENTS), lambda: now[0])

    now[0] = 9
    assert pulse.beat() is None
    now[0] = 10
    assert pulse.beat() == EVENTS.keep_alive
    pulse.passed(b"data: 1")
    now[0] = 20
    assert pulse.beat() is None
    assert pulse.seconds_left() == 10
