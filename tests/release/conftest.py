"""A release, made once for all tests of this folder."""

import shutil
from pathlib import Path

import pytest

from release_repository import VERSION, Made, Repository, make_repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return make_repository(tmp_path)


@pytest.fixture(scope="package")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("release")
    repository = make_repository(folder)
    before = repository.state
    tried = repository.make("release", f"VERSION={VERSION}", "DRY_RUN=1")
    assert tried.returncode == 0, tried.stderr
    trial = Path(shutil.move(folder / "dist", folder / "trial")) / "release"
    after_trial = repository.state
    ran = repository.make("release", f"VERSION={VERSION}")
    assert ran.returncode == 0, ran.stderr
    return Made(repository, before, after_trial, trial, folder / "dist" / "release", ran.stdout)
