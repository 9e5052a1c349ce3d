import math
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.errors import FaultError
from lambda_streamify_emulator.recordings.recording import Event, chunk_event
from lambda_streamify_emulator.replays import faults
from lambda_streamify_emulator.replays.faults import Faults

HEAD = Event(100, "h", {"status_code": 200, "headers": {}, "cookies": []})
ONE, TWO, THREE = chunk_event(200, b"one"), chunk_event(300, b"two"), chunk_event(5000, b"three")
END = Event(5100, "x", {"reason": "end", "bytes": 11, "chunks": 3})
STREAM = [HEAD, ONE, TWO, THREE, END]

Edit = Callable[[Iterable[Event]], Iterator[Event]]


def times(events: Iterable[Event]) -> list[int]:
    return [event.time for event in events]


def bodies(events: Iterable[Event]) -> list[bytes]:
    return [event.chunk for event in events if event.chunk is not None]


# --- times -----------------------------------------------------------------------------------------------------------


def test_speed_divides_times() -> None:
    assert times(faults.speed(STREAM, 2)) == [50, 100, 150, 2500, 2550]
    assert times(faults.speed(STREAM, 0.5)) == [200, 400, 600, 10_000, 10_200]
    assert times(faults.speed(STREAM, math.inf)) == [0] * 5


def test_a_long_gap_is_shortened_to_the_limit_and_others_stay() -> None:
    assert times(faults.idle_limit(STREAM, 0.001)) == [100, 200, 300, 1300, 1400]
    assert times(faults.idle_limit(STREAM, 0)) == [0] * 5


def test_jitter_changes_each_gap_by_up_to_its_fraction() -> None:
    even = [chunk_event(1000 * number, b"x") for number in range(1, 501)]
    shaken = times(faults.jitter(even, 0.25, seed=1))
    silences = [later - earlier for earlier, later in pairwise([0, *shaken])]

    assert min(silences) >= 750
    assert max(silences) <= 1250
    assert len(set(silences)) > 100


def test_the_same_seed_gives_the_same_jitter_and_another_does_not() -> None:
    first, same, other = (times(faults.jitter(STREAM, 0.5, seed=seed)) for seed in (7, 7, 8))

    assert first == same != other


def test_what_a_seed_gives_is_the_same_on_every_machine() -> None:
    assert times(faults.jitter(STREAM, 0.5, seed=7)) == [50, 160, 279, 3402, 3496]


def test_a_stall_delays_everything_after_its_chunk() -> None:
    assert times(faults.stall(STREAM, 2, 0.5)) == [100, 200, 300, 505_000, 505_100]
    assert times(faults.stall(STREAM, 0, 0.5)) == [100, 500_200, 500_300, 505_000, 505_100]
    assert times(faults.stall(STREAM, 3, 0.5)) == [100, 200, 300, 5000, 505_100]


# --- ends ------------------------------------------------------------------------------------------------------------


def end(time: int, reason: str, size: int, chunks: int) -> Event:
    return Event(time, "x", {"reason": reason, "bytes": size, "chunks": chunks})


def test_a_truncated_stream_ends_normally_with_its_own_counts() -> None:
    assert list(faults.truncate(STREAM, 2)) == [HEAD, ONE, TWO, end(300, "end", 6, 2)]
    assert list(faults.truncate(STREAM, 0)) == [HEAD, end(100, "end", 0, 0)]


def test_an_error_comes_after_its_chunk_and_ends_the_stream() -> None:
    failure = Event(200, "e", {"type": "Function.A", "message": "why"})

    assert list(faults.error(STREAM, 1, "Function.A", "why")) == [HEAD, ONE, failure, end(200, "error", 3, 1)]
    assert [event.code for event in faults.error(STREAM, 3)] == ["h", "o", "o", "o", "e", "x"]


def test_a_disconnect_comes_after_its_chunk() -> None:
    assert list(faults.disconnect(STREAM, 1)) == [HEAD, ONE, end(200, "disconnect", 3, 1)]


def test_an_end_after_the_last_chunk_leaves_the_stream_unchanged() -> None:
    assert list(faults.disconnect(STREAM, 4)) == STREAM
    assert list(faults.disconnect(STREAM[:-1], 4)) == STREAM[:-1]


def test_the_end_of_a_recording_without_one_can_be_set_too() -> None:
    assert list(faults.disconnect(STREAM[:-1], 3))[-1] == end(5000, "disconnect", 11, 3)


# --- sizes -----------------------------------------------------------------------------------------------------------


def test_a_chunk_is_cut_in_slices_that_come_at_its_time() -> None:
    sliced = list(faults.slicer(STREAM, 2))

    assert bodies(sliced) == [b"on", b"e", b"tw", b"o", b"th", b"re", b"e"]
    assert times(sliced) == [100, 200, 200, 300, 300, 5000, 5000, 5000, 5100]
    assert sliced[-1] == end(5100, "end", 11, 7)


def test_a_slice_may_end_within_a_character() -> None:
    assert bodies(faults.slicer([chunk_event(0, "ü".encode())], 1)) == [b"\xc3", b"\xbc"]


def test_an_empty_chunk_stays_one_chunk() -> None:
    assert bodies(faults.slicer([chunk_event(0, b"")], 4)) == [b""]


def test_a_delay_between_slices_delays_later_events() -> None:
    sliced = faults.slicer([chunk_event(0, b"abc"), chunk_event(15, b"d"), end(500, "end", 4, 2)], 1, delay=10)

    assert times(sliced) == [0, 10, 20, 20, 500]


@given(st.binary(min_size=1), st.integers(2, 9), st.integers(0, 2**64))
def test_slices_vary_within_their_bounds_and_lose_nothing(data: bytes, size: int, seed: int) -> None:
    slices = bodies(faults.slicer([chunk_event(0, data)], size, size_variation=1, seed=seed))

    assert b"".join(slices) == data
    assert all(size - 1 <= len(piece) <= size + 1 for piece in slices[:-1])
    assert slices == bodies(faults.slicer([chunk_event(0, data)], size, size_variation=1, seed=seed))


# --- what holds for all of them --------------------------------------------------------------------------------------

EDITS: dict[str, Edit] = {
    "speed": lambda events: faults.speed(events, 3),
    "idle_limit": lambda events: faults.idle_limit(events, 0.000_2),
    "jitter": lambda events: faults.jitter(events, 1, seed=3),
    "stall": lambda events: faults.stall(events, 2, 1),
    "truncate": lambda events: faults.truncate(events, 10**9),
    "error": lambda events: faults.error(events, 10**9),
    "disconnect": lambda events: faults.disconnect(events, 10**9),
    "slicer": lambda events: faults.slicer(events, 2, size_variation=1, delay=7, seed=3),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
@given(stamps=st.lists(st.integers(0, 10**9)))
def test_times_never_go_backwards_and_no_byte_is_lost(edit: Edit, stamps: list[int]) -> None:
    events = [chunk_event(stamp, b"%d" % stamp) for stamp in sorted(stamps)]
    edited = list(edit(events))

    assert times(edited) == sorted(times(edited))
    assert b"".join(bodies(edited)) == b"".join(bodies(events))


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_events_are_not_held_back_by_more_than_one(edit: Edit) -> None:
    taken: list[int] = []

    def events() -> Iterator[Event]:
        for number in range(10):
            taken.append(number)
            yield chunk_event(number, b"x")

    stream = edit(events())
    assert taken == []
    next(stream)
    next(stream)
    assert taken == [0, 1]


def test_a_long_stream_with_every_fault_needs_constant_memory() -> None:
    def events(count: int) -> Iterator[Event]:
        return (Event(number, "o", "some text") for number in range(count))

    stream: Iterator[Event] = events(3_000)
    for edit in EDITS.values():
        stream = edit(stream)

    tracemalloc.start()
    assert sum(1 for _ in stream) > 3_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 200_000  # bytes; the events alone would take more than twice as many


REFUSED: list[tuple[Callable[..., Iterator[Event]], tuple[Any, ...], dict[str, Any], str]] = [
    (faults.speed, (0,), {}, "speed 0: it must be a number greater than 0; 2 is twice as fast"),
    (faults.speed, (math.nan,), {}, "speed nan: "),
    (faults.idle_limit, (-1,), {}, "idle limit -1: it must be a number of seconds, 0 or more"),
    (faults.jitter, (1.5,), {"seed": 1}, "jitter 1.5: it must be a fraction, 0 to 1; "),
    (faults.stall, (-1, 1), {}, "stall after chunk -1: it must be the number of a chunk, or 0 for before the first"),
    (faults.stall, (1, -1), {}, "stall for -1: "),
    (faults.truncate, (-1,), {}, "truncate after chunk -1: "),
    (faults.error, (-1,), {}, "error after chunk -1: "),
    (faults.disconnect, (-1,), {}, "disconnect after chunk -1: "),
    (faults.slicer, (0,), {}, "slices of 0 bytes: it must be a whole number, 1 or more"),
    (faults.slicer, (2,), {"size_variation": 2}, "a variation of 2 bytes: it must be 0 or more, and less than 2"),
    (faults.slicer, (2,), {"delay": -1}, "a delay of -1 between slices: "),
]


@pytest.mark.parametrize(("edit", "arguments", "options", "message"), REFUSED)
def test_an_invalid_value_is_refused_at_once(
    edit: Callable[..., Iterator[Event]], arguments: tuple[Any, ...], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(FaultError) as raised:
        edit(STREAM, *arguments, **options)

    assert str(raised.value).startswith(message)


# --- all at once -----------------------------------------------------------------------------------------------------


def test_no_faults_change_nothing() -> None:
    assert list(Faults().apply(STREAM)) == STREAM


def test_chunk_numbers_are_those_of_the_recording() -> None:
    changed = list(Faults(speed=2, stall=(1, 1.0), error=2, slice=1).apply(STREAM))

    assert bodies(changed) == [b"o", b"n", b"e", b"t", b"w", b"o"]
    assert times(changed) == [50, 100, 100, 100, 1_000_150, 1_000_150, 1_000_150, 1_000_150, 1_000_150]
    assert [event.code for event in changed[-2:]] == ["e", "x"]


def test_the_earliest_of_several_ends_counts() -> None:
    assert list(Faults(truncate=3, error=2, disconnect=1).apply(STREAM))[-1].data["reason"] == "disconnect"


def test_every_time_edit_is_applied() -> None:
    edited = Faults(idle_limit=0.001, jitter=0.5, seed=7).apply(STREAM)

    assert times(edited) == times(faults.jitter(faults.idle_limit(STREAM, 0.001), 0.5, seed=7))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Faults(error=4), "error after chunk 4: the recording has only 3"),
        (Faults(stall=(9, 1.0)), "stall after chunk 9: the recording has only 3"),
        (Faults(speed=-1), "speed -1: "),
    ],
)
def test_a_fault_after_the_last_chunk_is_refused(wrong: Faults, message: str) -> None:
    with pytest.raises(FaultError) as raised:
        wrong.check(3)

    assert str(raised.value).startswith(message)


def test_a_fault_at_the_last_chunk_is_allowed() -> None:
    Faults(stall=(0, 1.0), truncate=3, error=3, disconnect=1).check(3)
