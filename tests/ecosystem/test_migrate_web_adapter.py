"""The application of the page on the Lambda Web Adapter, before and after its move, side by side.

test_web_adapter shows that such an application streams under both.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import fastapi
import pytest

from documents import blocks
from emulator_process import RUNTIME, EmulatorProcess, emulating
from layer_build import build_layer
from processes import ROOT
from url_client import request
from web_adapter import web_adapter

PAGE = ROOT / "docs" / "guides" / "migrate" / "web-adapter.md"
APPLICATION, TEMPLATE = blocks(PAGE, "diff")
(START_SCRIPT,) = blocks(PAGE, "sh")
LAYER_ARN = "arn:aws:lambda:us-east-1:123456789012:layer:streamify:1"
ADAPTER_ARN = "arn:aws:lambda:us-east-1:753240598075:layer:LambdaAdapterLayerX86:27"
CHUNKS = (b"This ", b"streams ", b"from ", b"Lambda\n")


def before(diff: str) -> str:
    return "".join(line[1:] or "\n" for line in diff.splitlines(keepends=True) if not line.startswith("+"))


def after(diff: str) -> str:
    return "".join(line[1:] or "\n" for line in diff.splitlines(keepends=True) if not line.startswith("-"))


def count(diff: str, sign: str) -> int:
    return sum(line.startswith(sign) for line in diff.splitlines())


def write_project(folder: Path, application: str, template: str) -> Path:
    """Return the template of a project; the packages, which `sam build` would add, are found where they are."""
    (folder / "app").mkdir(parents=True)
    (folder / "app" / "main.py").write_text(application)
    packages = f"          PYTHONPATH: {Path(fastapi.__file__).parents[1]}\n"
    text = template.replace("        Variables:\n", f"        Variables:\n{packages}").replace("python3.13", RUNTIME)
    path = folder / "template.yaml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    scratch = tmp_path_factory.mktemp("adapted")
    layer = scratch / "opt"
    shutil.copytree(ROOT / "tests" / "data" / "web_adapter" / "layer", layer)
    (layer / "extensions").mkdir()
    shutil.copy(web_adapter(), layer / "extensions")
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    template = write_project(scratch / "project", before(APPLICATION), before(TEMPLATE).replace("8000", str(port)))
    script = template.parent / "app" / "run.sh"
    script.write_text(START_SCRIPT)
    script.chmod(0o755)
    with emulating(scratch, cache, "--layer", f"{ADAPTER_ARN}={layer}", template=template, parameters=()) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    scratch = tmp_path_factory.mktemp("moved")
    layer = build_layer(tmp_path_factory.mktemp("layer"))
    template = write_project(scratch / "project", after(APPLICATION), after(TEMPLATE))
    with emulating(scratch, cache, "--layer", f"{LAYER_ARN}={layer}", template=template, parameters=()) as emulator:
        yield emulator


def url(emulator: EmulatorProcess) -> str:
    (only,) = emulator.urls.values()
    return only


def test_the_page_counts_the_lines_that_change() -> None:
    text = " ".join(PAGE.read_text().split())
    counts = re.search(r"takes (\d+) lines more in the application, and (\d+) lines less and (\d+) lines more", text)

    assert counts is not None
    assert [int(number) for number in counts.groups()] == [
        count(APPLICATION, "+"),
        count(TEMPLATE, "-"),
        count(TEMPLATE, "+"),
    ]
    assert count(APPLICATION, "-") == 0


def test_both_give_the_same_response(adapted: EmulatorProcess, moved: EmulatorProcess) -> None:
    first, second = (request(url(emulator)) for emulator in (adapted, moved))

    assert first.body == second.body == b"".join(CHUNKS)
    assert first.status == second.status == 200
    assert first.all("content-type") == second.all("content-type") == ["text/html; charset=utf-8"]


def test_both_answer_other_paths_alike(adapted: EmulatorProcess, moved: EmulatorProcess) -> None:
    first, second = (request(url(emulator), "/missing") for emulator in (adapted, moved))

    assert first.status == second.status == 404
    assert first.body == second.body == b'{"detail":"Not Found"}'
