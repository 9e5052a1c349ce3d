"""The randomness has a seed, so each run sees the same arrivals."""

from itertools import pairwise
from random import Random

import pytest

from lambda_streamify_emulator.load.arrivals import Arrivals


def always() -> bool:
    return True


def arrivals(rate: float, users: int) -> Arrivals:
    made = Arrivals(rate, Random(1))  # noqa: S311 - no secret
    for _ in range(users):
        made.join(100, always)
    return made


@pytest.mark.parametrize(("rate", "users"), [(50.0, 1), (5.0, 10), (0.5, 100)])
def test_the_rates_of_all_users_add_up(rate: float, users: int) -> None:
    """50 per second for 200 s: 10,000, of which a Poisson process misses by 100 in one case of three, by 500 never."""
    assert len(arrivals(rate, users).take(300)) == pytest.approx(10_000, abs=500)


@pytest.mark.parametrize("users", [1, 100])
def test_the_intervals_are_those_of_a_poisson_process(users: int) -> None:
    """Their standard deviation equals their mean; if arrivals were evenly spaced it would be near 0."""
    times = arrivals(50 / users, users).take(300)
    intervals = [after - before for before, after in pairwise(times)]

    mean = sum(intervals) / len(intervals)
    deviation = (sum((interval - mean) ** 2 for interval in intervals) / len(intervals)) ** 0.5

    assert mean == pytest.approx(1 / 50, rel=0.05)
    assert deviation == pytest.approx(mean, rel=0.05)


def test_arrivals_keep_their_times_however_late_they_are_taken() -> None:
    early, late = arrivals(5, 3), arrivals(5, 3)

    in_steps = [due for now in range(101, 111) for due in early.take(now)]

    assert in_steps == late.take(110)
    assert in_steps == sorted(in_steps)
    assert all(100 < due <= 110 for due in in_steps)


def test_the_next_arrival_is_the_first_to_be_taken() -> None:
    made = arrivals(5, 3)
    due = made.next()

    assert due is not None
    assert made.take(due) == [due]
    assert made.take(due) == []


def test_without_users_nothing_arrives() -> None:
    made = arrivals(5, 0)

    assert made.next() is None
    assert made.take(1000) == []


def test_a_user_that_has_stopped_takes_its_arrivals_along() -> None:
    made, running = arrivals(5, 1), [True]
    made.join(100, lambda: running[0])
    with_both = len(made.take(1100))
    running[0] = False

    assert len(made.take(2100)) == pytest.approx(with_both / 2, rel=0.1)
