"""One emulator for the tests of a folder, and the ways to it: its conftest imports these fixtures."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator_process import EmulatorProcess, boto3_client, emulating


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    with emulating(tmp_path_factory.mktemp("emulator"), cache) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def sdk(emulator: EmulatorProcess) -> Iterator[Any]:
    with closing(boto3_client(emulator.lambda_api)) as client:
        yield client
