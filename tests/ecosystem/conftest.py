"""The layer and the emulator beside software that this project has not written, as its users have it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator_process import RUNTIME
from lambda_streamify_emulator.testing.emulator import TemplateEmulator
from lambda_streamify_emulator.testing.fixture import Streamify
from processes import ROOT


@pytest.fixture(scope="module")
def sample_emulator(cache: Path) -> Iterator[TemplateEmulator]:
    """The emulator with the project's own template; what a sample requires is installed when it is first asked."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STREAMIFY_CACHE_DIR", str(cache))
        environment.setenv("LAYER_PYTHONS", RUNTIME)
        emulator = TemplateEmulator(ROOT / "template.yaml", {"PythonRuntime": RUNTIME, "AuthType": "NONE"})
        emulator.start()
        yield emulator
        emulator.stop()


@pytest.fixture
def samples(sample_emulator: TemplateEmulator) -> Iterator[Streamify]:
    """The samples, as a test of the project's users would see them."""
    functions = Streamify(sample_emulator)
    yield functions
    functions.close()
