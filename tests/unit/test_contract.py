"""What users rely on: docs/reference/contract.txt lists it, and docs/reference/stability.md says how stable it is."""

import re

import pytest

from contract import commands, listing, python_names, settings
from lambda_streamify_emulator.recordings.recording import VERSION
from processes import ROOT

CONTRACT = ROOT / "docs" / "reference" / "contract.txt"
PAGE = (ROOT / "docs" / "reference" / "stability.md").read_text()
LEVELS = ("stable", "experimental")


def test_names_parameters_options_and_settings_are_those_of_the_contract() -> None:
    now, then = listing().splitlines(), CONTRACT.read_text().splitlines()

    gone, new = sorted(set(then) - set(now)), sorted(set(now) - set(then))
    assert (gone, new) == ([], []), "if that is on purpose: make docs/reference/contract.txt, and the changelog"


def test_the_page_says_how_stable_each_public_module_is() -> None:
    rows = re.findall(r"^\| `(lambda_streamify[\w.]*)` \| (\w+) \|", PAGE, re.MULTILINE)

    assert {module for module, _ in rows} == set(python_names())
    assert {level for _, level in rows} == set(LEVELS)


def test_the_page_says_how_stable_each_command_is() -> None:
    stable, experimental = (
        re.findall(r"`(\w+)`", found[1])
        for found in re.finditer(r"^(?:Stable|Experimental): (.*)$", PAGE, re.MULTILINE)
    )

    assert set(stable).isdisjoint(experimental)
    assert {*stable, *experimental} == {line.split()[1] for line in commands()}


def test_each_setting_of_the_contract_is_read_by_the_code() -> None:
    sources = [path for folder in ("layers", "emulator") for path in (ROOT / folder).rglob("*.*")]
    code = "".join(path.read_text() for path in sources if path.suffix in (".py", ".sh"))
    by_others = {"AWS_LAMBDA_EXEC_WRAPPER", "AWS_ENDPOINT_URL_LAMBDA", "NO_COLOR"}  # Lambda, boto3 and Rich read these

    assert len(settings()) >= 7
    assert sorted(name for name in settings() - by_others if name not in code) == []


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
