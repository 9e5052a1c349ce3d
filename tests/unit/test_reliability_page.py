"""docs/reference/reliability.md shows the fault matrix as it is, with a run in which each cell passed."""

import re

import pytest

from fault_matrix import MATRIX, SEEN, Cell, Fault, FrontEnd, Outcome, Place
from reliability_page import BEGIN, END, PAGE, PASSED, cells, generated, key


def test_the_page_has_each_cell_with_the_result_of_a_run_in_which_all_passed() -> None:
    part = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0].strip("\n")
    found = re.match(r"Last run: (.*); \d+ of \d+ cells passed\.", part)

    assert found is not None, "make reliability writes it"
    passed = {key(fault, place): PASSED for fault, place, _ in cells()}
    assert part == generated(passed, found[1]).strip("\n"), "the matrix has changed, or failed: make reliability"


@pytest.mark.parametrize("fault", MATRIX, ids=[fault.name for fault in MATRIX])
def test_each_place_has_a_cell_or_the_reason_why_there_is_none(fault: Fault) -> None:
    assert set(fault.cells) == set(Place)
    assert all(isinstance(cell, Cell) or len(cell) > 10 for cell in fault.cells.values())


def test_each_front_end_has_a_word_for_each_outcome() -> None:
    assert {outcome: set(seen) for outcome, seen in SEEN.items()} == {outcome: set(FrontEnd) for outcome in Outcome}
