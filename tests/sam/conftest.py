"""The real SAM CLI on the template: what `sam local` and a deployment make of it."""

import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from docker import DockerClient

from built_wheel import build_wheel
from docker_engine import EngineMissingError, docker_engine, left_as_found
from documents import blocks
from emulator_process import RUNTIME
from lambda_image import base_image, have_image
from layer_build import PYTHONS
from processes import ROOT, clean_environment, run
from sam_local import SamLocal
from sandbox import installed_packages

APP = ROOT / "tests" / "data" / "container_image" / "app.py"
(DOCKERFILE,) = blocks(ROOT / "docs" / "reference" / "handlers.md", "dockerfile")
BASE = "public.ecr.aws/lambda/python:3.13"
# Of the package that the Dockerfile installs: ours, not what the package index may have.
PREPARED = f"""\
FROM {base_image(RUNTIME.removeprefix("python"))} AS prepared
COPY wheels /wheels
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels

"""
TAG = "lambda-streamify-tests:image"


@pytest.fixture(scope="session")
def sam_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """SAM with a fresh home of its own, which says that SAM has just looked for a newer version of itself."""
    home = tmp_path_factory.mktemp("sam")
    (home / "metadata.json").write_text(json.dumps({"lastVersionCheck": time.time()}))
    return clean_environment(__SAM_CLI_APP_DIR=str(home), SAM_CLI_TELEMETRY="0", **PYTHONS)


@pytest.fixture(scope="session")
def build(sam_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `sam build` fills, for the one runtime whose Python is certain to be here: the tests' own."""
    folder = tmp_path_factory.mktemp("build")
    runtime = f"PythonRuntime={RUNTIME}"
    run(
        *("sam", "build", "--no-cached", "--build-dir", folder, "--parameter-overrides", runtime),
        env=sam_environment,
        umask=0o077,
    )
    return folder


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("export"), tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def engine() -> Iterator[str]:
    """A Docker engine's address. Without one these tests are skipped, or fail where Docker is required."""
    with ExitStack() as stack:
        # Not one of pytest's, which are kept; and the path of a socket may not be long.
        scratch = stack.enter_context(TemporaryDirectory(prefix="docker-"))
        try:
            address = stack.enter_context(docker_engine(Path(scratch)))
        except EngineMissingError as missing:
            if os.environ.get("STREAMIFY_REQUIRE_DOCKER") == "1":
                pytest.fail(str(missing))
            pytest.skip(str(missing))
        yield address


@pytest.fixture(scope="session")
def docker_client(engine: str) -> Iterator[DockerClient]:
    with closing(DockerClient(engine)) as client, left_as_found(client):
        yield client


@pytest.fixture(scope="session")
def _base(docker_client: DockerClient) -> None:
    """AWS's image for the tests' own Python, or its look-alike."""
    have_image(docker_client, RUNTIME.removeprefix("python"), sys.executable, installed_packages())


@pytest.fixture(scope="session")
def image(_base: None, docker_client: DockerClient, wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image that docs/reference/handlers.md builds."""
    context = tmp_path_factory.mktemp("context")
    (context / "wheels").mkdir()
    shutil.copy(wheel, context / "wheels")
    shutil.copy(APP, context)
    assert DOCKERFILE.startswith(f"FROM {BASE}\n")
    (context / "Dockerfile").write_text(PREPARED + DOCKERFILE.replace(BASE, "prepared"))
    docker_client.images.build(path=str(context), tag=TAG, rm=True)
    return TAG


@pytest.fixture(scope="session")
def sam_local(
    _base: None, engine: str, sam_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> SamLocal:
    return SamLocal(sam_environment, engine, tmp_path_factory.mktemp("sam-local"))
