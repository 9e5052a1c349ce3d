"""What all tests share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gate import Gate

collect_ignore = ["data"]  # a sample project there has tests of its own

# No test depends on how fast the machine is. Half of Hypothesis' usual number of examples keeps `make test` short.
settings.register_profile("project", deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder where the emulators of this run keep what is slow to make."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate
