import itertools
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.recordings.recording import Event, chunk_event
from lambda_streamify_emulator.recordings.timeline import Gaps, Timeline, format_duration, measure

HEAD = {"status_code": 200, "headers": {}, "cookies": []}


def chunks(*times: int, data: bytes = b"abc") -> list[Event]:
    return [chunk_event(time, data) for time in times]


def gaps_of(*times: int) -> Gaps:
    gaps = measure(chunks(*times)).gaps
    assert gaps is not None
    return gaps


def test_each_figure_of_a_stream_is_measured() -> None:
    end = Event(900, "x", {"reason": "error", "bytes": 9, "chunks": 3})
    error = Event(800, "e", {"type": "Function.A", "message": ""})

    assert measure([Event(100, "h", HEAD), *chunks(200, 300, 700), error, end]) == Timeline(
        first_byte=100,
        first_body_byte=200,
        last_body_byte=700,
        total=900,
        chunks=3,
        bytes=9,
        gaps=Gaps(p50=100, p90=400, p99=400, max=400, max_before=3),
        reason="error",
        error="Function.A",
    )


def test_without_a_head_the_first_byte_is_the_bodys() -> None:
    timeline = measure(chunks(200))

    assert (timeline.first_byte, timeline.first_body_byte, timeline.gaps) == (200, 200, None)


def test_an_empty_stream_has_no_figures() -> None:
    assert measure([]) == Timeline(None, None, None, 0, 0, 0, None, None, None)


def test_an_empty_chunk_is_counted_but_is_not_an_arrival() -> None:
    timeline = measure([*chunks(5, data=b""), *chunks(100), *chunks(150, data=b""), *chunks(300)])

    assert (timeline.chunks, timeline.bytes, timeline.first_byte) == (4, 6, 100)
    assert timeline.gaps == Gaps(200, 200, 200, 200, 4)


def test_an_unknown_event_counts_for_the_total_only() -> None:
    timeline = measure([*chunks(1), Event(7, "z", None)])

    assert (timeline.total, timeline.chunks) == (7, 1)


def test_percentiles_are_gaps_by_their_rank() -> None:
    gaps = gaps_of(0, *(sum(range(1, count + 1)) for count in range(1, 101)))

    assert gaps == Gaps(p50=50, p90=90, p99=99, max=100, max_before=101)


def test_of_equal_longest_gaps_the_first_is_reported() -> None:
    assert gaps_of(0, 10, 30, 50).max_before == 3


@given(st.lists(st.integers(0, 10**10), min_size=2))
def test_percentiles_are_exact_to_a_twentieth_of_a_percent(times: list[int]) -> None:
    times.sort()
    exact = sorted(later - earlier for earlier, later in itertools.pairwise(times))
    gaps = gaps_of(*times)

    assert gaps.max == exact[-1]
    for percent, found in ((50, gaps.p50), (90, gaps.p90), (99, gaps.p99)):
        expected = exact[-(-len(exact) * percent // 100) - 1]
        assert abs(found - expected) <= expected / 2000
        assert found <= gaps.max


def test_a_long_stream_is_measured_in_constant_memory() -> None:
    def events(count: int) -> Iterator[Event]:
        return (Event(number * number % 977 + number * 1000, "o", "x") for number in range(count))

    def peak(count: int) -> int:
        tracemalloc.start()
        assert measure(events(count)).chunks == count
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    peak(100)
    assert peak(10_000) < 2 * peak(2_000)


def test_the_figures_are_ready_for_json() -> None:
    fields = measure(chunks(1, 3)).as_dict()

    assert fields["gaps"] == {"p50": 2, "p90": 2, "p99": 2, "max": 2, "max_before": 2}
    assert (fields["first_byte"], fields["bytes"], fields["reason"]) == (1, 6, None)


@pytest.mark.parametrize(
    ("microseconds", "words"),
    [
        (None, "-"),
        (0, "0.00 ms"),
        (300, "0.30 ms"),
        (-300, "-0.30 ms"),
        (41_210, "0.041 s"),
        (602_000_000, "602.000 s"),
    ],
)
def test_a_duration_is_formatted_in_the_unit_that_suits_it(microseconds: int | None, words: str) -> None:
    assert format_duration(microseconds) == words


def test_chunks_that_were_not_recorded_are_counted() -> None:
    end = {"reason": "end", "bytes": 9, "chunks": 3}

    assert measure([Event(1, "x", {**end, "lost": {"chunks": 2, "bytes": 6}})]).lost == 2
    assert measure([Event(1, "x", {**end, "lost": "some"})]).lost == 0
