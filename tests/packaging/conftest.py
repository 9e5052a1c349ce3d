"""The wheel as a release has it, built once."""

from pathlib import Path

import pytest

from built_wheel import build_wheel


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("export"), tmp_path_factory.mktemp("dist"))
