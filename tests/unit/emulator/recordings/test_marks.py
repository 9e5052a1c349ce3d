from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.recordings.marks import Marks, column_of


def marks(*times: int, slots: int = 8) -> Marks:
    made = Marks(slots)
    for time in times:
        made.add(time, 10)
    return made


def test_chunks_are_counted_by_slot() -> None:
    assert marks(0, 3, 3).counts == {0: (1, 10), 3: (2, 20)}


def test_when_the_slots_are_used_up_each_two_become_one() -> None:
    assert marks(0, 1, 7).slot == 1

    doubled = marks(0, 1, 7, 8)

    assert (doubled.slot, doubled.counts) == (2, {0: (2, 20), 3: (1, 10), 4: (1, 10)})


def test_after_a_long_silence_the_slots_double_as_often_as_they_must() -> None:
    late = marks(5, 900_000_000)

    assert late.slot * 8 > 900_000_000 >= late.slot * 4
    assert list(late.counts.values()) == [(1, 10), (1, 10)]


@given(st.lists(st.integers(0, 10**9)))
def test_nothing_is_lost_and_little_is_kept(times: list[int]) -> None:
    made = marks(*sorted(times))

    assert len(made.counts) <= 8
    assert sum(chunks for chunks, _ in made.counts.values()) == len(times)
    assert sum(size for _, size in made.counts.values()) == 10 * len(times)
    assert list(made.counts) == sorted({time // made.slot for time in times})


def test_columns_share_the_time() -> None:
    made = marks(0, 24, 25, 99, slots=1024)

    assert made.columns(4, 100) == {0: 2, 1: 1, 3: 1}
    assert made.columns(1, 100) == {0: 4}


def test_the_last_moment_is_in_the_last_column() -> None:
    assert (column_of(100, 4, 100), column_of(0, 4, 0)) == (3, 0)
