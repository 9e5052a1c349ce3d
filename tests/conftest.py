"""What all tests share."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gate import Gate

collect_ignore = ["data"]  # a sample project there has tests of its own

# No test depends on how fast the machine is. `make test` tries few examples, to be short; CI tries more.
for name, examples in (("short", 15), ("ci", 50)):
    settings.register_profile(name, deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("short")


def pytest_collection_finish() -> None:
    """Have the collector pass over the thousands of collected tests: some tests call it, which took half a second."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Have pytest's last collection find what was dropped after it was frozen, and report an unclosed file in it."""
    gc.unfreeze()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where the emulators of this run keep what is slow to make."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate
