"""What users rely on: docs/reference/contract.txt lists it, and docs/reference/stability.md says how stable it is."""

import re
import subprocess
import sys

import pytest

from lambda_streamify_emulator.recordings.recording import VERSION
from processes import ROOT, clean_environment

CONTRACT = ROOT / "docs" / "reference" / "contract.txt"
PAGE = (ROOT / "docs" / "reference" / "stability.md").read_text()
LEVELS = ("stable", "experimental")


@pytest.fixture(scope="module")
def contract() -> dict[str, list[str]]:
    """What the code promises now, by section. In a process of its own: importing Locust changes Python's modules."""
    command = [sys.executable, str(ROOT / "tests" / "support" / "contract.py")]
    text = subprocess.run(command, env=clean_environment(), stdout=subprocess.PIPE, text=True, check=True).stdout
    return sections(text)


def sections(text: str) -> dict[str, list[str]]:
    parts = re.split(r"^\[(.+)\]\n", text, flags=re.MULTILINE)[1:]
    return {title: lines.split("\n") for title, lines in zip(parts[::2], map(str.strip, parts[1::2]), strict=True)}


def test_names_parameters_options_and_settings_are_those_of_the_contract(contract: dict[str, list[str]]) -> None:
    written = sections(CONTRACT.read_text())

    assert contract == written, "if that is on purpose: make docs/reference/contract.txt, and the changelog"


def test_the_page_says_how_stable_each_public_module_is(contract: dict[str, list[str]]) -> None:
    rows = re.findall(r"^\| `(lambda_streamify[\w.]*)` \| (\w+) \|", PAGE, re.MULTILINE)

    assert {module for module, _ in rows} == {title for title in contract if title.startswith("lambda_streamify")}
    assert {level for _, level in rows} == set(LEVELS)


def test_the_page_says_how_stable_each_command_is(contract: dict[str, list[str]]) -> None:
    stable, experimental = (
        re.findall(r"`(\w+)`", found[1])
        for found in re.finditer(r"^(?:Stable|Experimental): (.*)$", PAGE, re.MULTILINE)
    )

    assert set(stable).isdisjoint(experimental)
    assert {*stable, *experimental} == {line.split()[1] for line in contract["commands"]}


def test_each_setting_of_the_contract_is_read_by_the_code(contract: dict[str, list[str]]) -> None:
    sources = [path for folder in ("layers", "emulator") for path in (ROOT / folder).rglob("*.*")]
    code = "".join(path.read_text() for path in sources if path.suffix in (".py", ".sh"))
    by_others = {"AWS_LAMBDA_EXEC_WRAPPER", "AWS_ENDPOINT_URL_LAMBDA", "NO_COLOR"}  # Lambda, boto3 and Rich read these

    assert len(contract["settings"]) >= 7
    assert [name for name in contract["settings"] if name not in by_others and name not in code] == []


def test_the_page_promises_the_version_that_recordings_have() -> None:
    assert f"and version {VERSION} of the\n[recording format]" in PAGE


@pytest.mark.parametrize(
    "line",
    [
        "StreamingResponse(body, status_code=200, headers=None, cookies=None, content_type=None, *, eager=False)",
        "streamify serve --port",
        "STREAMIFY_INVOKE_MODE",
        "version 1",
        "Streamify.get(self, name, path='/', *, headers=None)",
        "StreamStateError",
    ],
)
def test_the_contract_holds_each_kind_of_promise(line: str) -> None:
    assert line in CONTRACT.read_text().splitlines()
