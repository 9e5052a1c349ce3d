from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.recordings.histogram import Histogram, column_of


def histogram(*times: int, slot_count: int = 8) -> Histogram:
    made = Histogram(slot_count)
    for time in times:
        made.add(time, 10)
    return made


def test_chunks_are_counted_by_slot() -> None:
    assert histogram(0, 3, 3).counts == {0: (1, 10), 3: (2, 20)}


def test_when_the_slots_are_used_up_each_pair_becomes_one() -> None:
    assert histogram(0, 1, 7).slot_us == 1

    doubled = histogram(0, 1, 7, 8)

    assert (doubled.slot_us, doubled.counts) == (2, {0: (2, 20), 3: (1, 10), 4: (1, 10)})


def test_after_a_long_silence_the_slots_double_as_often_as_necessary() -> None:
    late = histogram(5, 900_000_000)

    assert late.slot_us * 8 > 900_000_000 >= late.slot_us * 4
    assert list(late.counts.values()) == [(1, 10), (1, 10)]


@given(st.lists(st.integers(0, 10**9)))
def test_every_chunk_is_counted_in_a_limited_number_of_slots(times: list[int]) -> None:
    made = histogram(*sorted(times))

    assert len(made.counts) <= 8
    assert sum(chunks for chunks, _ in made.counts.values()) == len(times)
    assert sum(size for _, size in made.counts.values()) == 10 * len(times)
    assert list(made.counts) == sorted({time // made.slot_us for time in times})


def test_columns_divide_the_time() -> None:
    made = histogram(0, 24, 25, 99, slot_count=1024)

    assert made.columns(4, 100) == {0: 2, 1: 1, 3: 1}
    assert made.columns(1, 100) == {0: 4}


def test_the_end_of_the_time_is_in_the_last_column() -> None:
    assert (column_of(100, 4, 100), column_of(0, 4, 0)) == (3, 0)
