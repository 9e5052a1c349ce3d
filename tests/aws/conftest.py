"""The AWS of the tests of `streamify attach`: moto's."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from moto_lambda import LambdaCloud, lambda_cloud


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LambdaCloud]:
    """Return an account of moto's with a layer, and work in a folder of the test's own without the user's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    with lambda_cloud() as cloud:
        cloud.layer_arn = cloud.layer()
        yield cloud
