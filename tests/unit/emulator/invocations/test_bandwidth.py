import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.invocations.bandwidth import Bandwidth, TokenBucket

MIB = 1024 * 1024
BEGAN = 1000.5  # seconds on an arbitrary clock


def bucket() -> TokenBucket:
    return TokenBucket(Bandwidth(), BEGAN)


def test_the_first_six_megabytes_pass_at_once_and_no_byte_more() -> None:
    full = bucket()

    assert full.take(4 * MIB, BEGAN) == 4 * MIB
    assert full.take(4 * MIB, BEGAN) == 2 * MIB
    assert full.take(1, BEGAN) == 0


@pytest.mark.parametrize(
    ("after", "passing"), [(0, 0), (0.1249, 0), (0.125, MIB // 4), (0.2499, MIB // 4), (0.25, MIB // 2), (1, 2 * MIB)]
)
def test_then_a_portion_passes_each_eighth_of_a_second(after: float, passing: int) -> None:
    empty = bucket()
    empty.take(6 * MIB, BEGAN)

    assert empty.take(100 * MIB, BEGAN + after) == passing


@pytest.mark.parametrize("after", [3, 60])
def test_while_nothing_passes_it_fills_again_up_to_the_burst(after: float) -> None:
    filled = bucket()
    filled.take(6 * MIB, BEGAN)

    assert filled.take(100 * MIB, BEGAN + after) == 6 * MIB


def test_a_stream_that_is_slower_than_the_rate_is_never_held() -> None:
    full = bucket()

    assert all(full.take(MIB, BEGAN + second / 2) == MIB for second in range(1000))


def test_two_hundred_megabytes_take_ninety_seven_seconds() -> None:
    held, now, left = bucket(), BEGAN, 200 * MIB
    while True:
        left -= held.take(left, now)
        if not left:
            break
        now += held.wait(now)

    assert now - BEGAN == 97


@given(st.lists(st.tuples(st.integers(0, 3 * MIB), st.floats(0, 10)), max_size=30))
def test_no_sequence_of_requests_exceeds_the_burst_and_the_rate(asked: list[tuple[int, float]]) -> None:
    held, now, passed = bucket(), BEGAN, 0
    for wanted, pause in asked:
        now += pause
        taken = held.take(wanted, now)
        passed += taken
        assert taken <= wanted
        assert passed <= 6 * MIB + 2 * MIB * (now - BEGAN)
        assert 0 <= held.wait(now) <= 0.125


def test_the_wait_ends_with_more_to_take() -> None:
    held = bucket()
    held.take(6 * MIB, BEGAN)
    now = BEGAN
    for _ in range(10_000):
        now += held.wait(now)
        while not (taken := held.take(1000 * MIB, now)):
            assert held.wait(now) < 1e-6  # a clock's rounding
            now += 1e-6
        assert taken == MIB // 4
