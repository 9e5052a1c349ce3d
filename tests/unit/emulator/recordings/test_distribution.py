import json
import math

from hypothesis import given
from hypothesis import strategies as st

from lambda_streamify_emulator.recordings.distribution import Distribution


def of(*values: int) -> Distribution:
    made = Distribution()
    for value in values:
        made.add(value)
    return made


def test_percentiles_are_values_by_their_rank() -> None:
    assert of(*range(1, 101)).percentiles(50, 90, 99) == [50, 90, 99]
    assert of(7).percentiles(1, 50, 100) == [7, 7, 7]
    assert of(3, 1, 2).percentiles(50) == [2]


def test_the_largest_value_is_exact() -> None:
    made = of(1, 123_456)

    assert (made.count, made.max, made.percentiles(99)) == (2, 123_456, [123_456])


def test_no_percentile_is_over_the_largest_value() -> None:
    assert of(99_996, 99_996).percentiles(50) == [99_996]


def test_percent_0_is_the_smallest_value() -> None:
    assert of(3, 1, 2).percentiles(0, 50) == [1, 2]


def test_a_distribution_travels_as_json() -> None:
    made = of(1, 123_456, 5, 5)

    copied = Distribution.of(json.loads(json.dumps(made.state())))

    assert (copied.count, copied.max) == (4, 123_456)
    assert copied.percentiles(1, 50, 75, 99) == made.percentiles(1, 50, 75, 99)


def test_distributions_are_added() -> None:
    made = of(1, 5)

    made.add_all(of(9, 5, 5))
    made.add_all(of())

    assert (made.count, made.max, made.percentiles(20, 50, 100)) == (5, 9, [1, 5, 9])


@given(st.lists(st.integers(0, 10**12), min_size=1), st.integers(1, 100))
def test_percentiles_are_exact_to_a_twentieth_of_a_percent(values: list[int], percent: int) -> None:
    (found,) = of(*values).percentiles(percent)

    exact = sorted(values)[math.ceil(len(values) * percent / 100) - 1]
    assert abs(found - exact) <= exact * 0.0005


def test_many_values_take_little_memory() -> None:
    made = of(*range(1_000_000, 1_100_000))

    assert len(made._counts) <= 101  # noqa: SLF001 - its memory
