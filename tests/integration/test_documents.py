"""The code in the README and in docs/ runs as it stands there."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from documents import all_blocks
from emulator_process import EmulatorProcess, emulating
from lambda_streamify._runtime.context import LambdaContext
from lambda_streamify.testing import call
from own_hooks import without_hooks
from processes import ROOT
from request_events import event

EXAMPLES = all_blocks("python")
DEFAULT_API = "http://127.0.0.1:4000"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    """Return an emulator of the project's own template, which the documents speak of."""
    options = ("--only", "hello", "--only", "story")  # the others have requirements that take long to install
    scratch = tmp_path_factory.mktemp("project")
    with emulating(scratch, cache, *options, template=ROOT / "template.yaml") as emulator:
        yield emulator


@pytest.fixture(autouse=True)
def hooks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have no example's hooks outlive it in this process."""
    without_hooks(monkeypatch)


@pytest.mark.parametrize("code", [code for _, code in EXAMPLES], ids=[place for place, _ in EXAMPLES])
def test_an_example_runs(code: str, project: EmulatorProcess, capfd: pytest.CaptureFixture[str]) -> None:
    namespace: dict[str, Any] = {"__name__": "example"}
    exec(compile(code.replace(DEFAULT_API, project.lambda_api), "example", "exec"), namespace)  # noqa: S102
    if "lambda_handler" in namespace:
        context = LambdaContext(aws_request_id="example", deadline_ms=int(time.time() * 1000) + 60_000)
        assert call(namespace["lambda_handler"], event("function-url-body"), context).chunks != []
    else:
        assert capfd.readouterr().out != "", "the example prints what it has read"
