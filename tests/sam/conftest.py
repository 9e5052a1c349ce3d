"""The real SAM CLI on the template: what `sam local` and a deployment make of it."""

import json
import time
from pathlib import Path

import pytest

from emulator_process import RUNTIME
from layer_build import PYTHONS
from processes import clean_environment, run


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
