"""What the fuzzers begin with, and what they have found: it must not fail again. `make fuzz` finds more."""

import pytest

from fuzz_seeds import CORPUS, seeds
from fuzz_targets import TARGETS

FOUND = [
    pytest.param(target, file.read_bytes(), id=f"{target}-{file.name}")
    for target in TARGETS
    for file in sorted((CORPUS / target).glob("*"))
]
SEEDS = [
    pytest.param(target, seed, id=f"{target}-{number}")
    for target in TARGETS
    for number, seed in enumerate(seeds(target))
]


@pytest.mark.parametrize(("target", "data"), FOUND)
def test_what_a_fuzzer_has_found_fails_no_more(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.parametrize(("target", "data"), SEEDS)
def test_what_is_as_it_should_be_is_read(target: str, data: bytes) -> None:
    TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_there_are_seeds_for_each_parser(target: str) -> None:
    assert len(set(seeds(target))) > 1
