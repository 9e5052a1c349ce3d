"""What a soak run takes for a leak."""

import pytest

from slopes import Sample, Series, table

INVOCATIONS = range(0, 50_001, 5000)


def series(*, memory: float = 0, descriptors: float = 0, count: range = INVOCATIONS) -> Series:
    """Return samples that grow by so much in 1,000 invocations."""
    return Series(
        "emulator",
        [
            Sample(n, 40_000 + memory * n / 1000 + (n // 5000) % 2 * 300, 20 + round(descriptors * n / 1000), 3, 2)
            for n in count
        ],
    )


def test_memory_that_comes_and_goes_is_no_leak() -> None:
    assert series().problems() == []


def test_memory_that_grows_with_the_invocations_is_a_leak() -> None:
    (problem,) = series(memory=25).problems()

    assert problem.startswith("emulator: memory grows by 25.")
    assert series(memory=15).problems() == []


def test_a_short_run_shows_what_each_invocation_keeps_and_no_less() -> None:
    short = range(0, 1000, 100)

    assert series(memory=3900, count=short).problems() == []
    assert len(series(memory=4100, count=short).problems()) == 1


def test_what_the_c_library_keeps_is_no_leak() -> None:
    grown = series(memory=140)

    assert len(grown.problems()) == 1
    grown.known = 130
    assert grown.problems() == []


@pytest.mark.parametrize("gained", [1, 100])
def test_a_descriptor_that_is_gained_is_a_leak_however_slowly(gained: int) -> None:
    (problem,) = series(descriptors=gained * 1000 / INVOCATIONS[-1]).problems()

    assert problem.startswith("emulator: descriptors grow by ")


def test_the_table_has_a_row_for_each_process() -> None:
    assert table([series(memory=15)]).splitlines()[2].startswith("| emulator | 50000 | 40000, ")
