"""What `sam build` has made of the samples, served as it would be deployed: it answers as recorded."""

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from emulator_process import RUNTIME
from lambda_streamify_emulator.testing.emulator import TemplateEmulator
from lambda_streamify_emulator.testing.fixture import Streamify
from processes import ROOT
from sample_answers import ALONE, asked, assert_as_recorded


@pytest.fixture(scope="module")
def emulator(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemplateEmulator]:
    folder = tmp_path_factory.mktemp("served")
    copytree(build, folder / "build")  # what runs leaves its bytecode there, and other tests look at what was built
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("STREAMIFY_CACHE_DIR", str(folder / "cache"))
        emulator = TemplateEmulator(folder / "build" / "template.yaml", {"PythonRuntime": RUNTIME, "AuthType": "NONE"})
        emulator.start()
        yield emulator
        emulator.stop()


@pytest.fixture
def samples(emulator: TemplateEmulator) -> Iterator[Streamify]:
    functions = Streamify(emulator)
    yield functions
    functions.close()


@pytest.mark.parametrize("name", ALONE)
def test_a_built_sample_answers_as_recorded(name: str, samples: Streamify) -> None:
    assert_as_recorded(asked(samples, name), name)


def test_nothing_is_installed_that_has_been_built(samples: Streamify, emulator: TemplateEmulator) -> None:
    samples.get("flask")

    assert [line for line in emulator.messages if "install" in line] == []


def test_replay_is_built_with_the_recordings_of_the_samples(build: Path) -> None:
    recordings = {path.name for path in (ROOT / "events").glob("*.ndjson")}

    assert {path.name for path in (build / "ReplayFunction" / "recordings").iterdir()} == recordings
