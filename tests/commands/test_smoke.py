"""The questions that only AWS can answer, put to the emulator: they can be asked, and it answers as the page says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from emulator_process import emulating
from processes import ROOT

SMOKE = ROOT / "tests" / "smoke"
# The stack's names for the functions' addresses, as its output `Command` gives them to the script.
NAMES = {"Layer": "layer", "Short": "short", "Raw": "raw", "RawBuffered": "raw-buffered", "Throttled": "throttled"}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> dict[str, str]:
    template = SMOKE / "template.yaml"
    with emulating(tmp_path_factory.mktemp("smoke"), cache, template=template, measured=False) as emulator:
        urls = [f"{name}={emulator.urls[resource]}" for resource, name in NAMES.items()]
        command: list[str | Path] = [sys.executable, SMOKE / "smoke.py", "--json", *urls]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def documented() -> dict[str, tuple[str, str]]:
    """The page's table: each question's words, and what the emulator answers."""
    row = re.compile(r"^\| `([a-z0-9-]+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
    page = (ROOT / "docs" / "guides" / "aws-smoke-test.md").read_text()
    return {name: (text, answer.strip("`")) for name, text, answer in row.findall(page)}


def test_the_emulator_answers_each_question_as_the_page_says(
    answers: dict[str, str], documented: dict[str, tuple[str, str]]
) -> None:
    by_chance = {"small-events"}  # how many reads a reader needs is the machine's affair
    expected = {name: answer for name, (_, answer) in documented.items() if name not in by_chance}

    assert {name: answer for name, answer in answers.items() if name not in by_chance} == expected
    assert re.fullmatch(r"\d+ reads, the largest gap is \d+\.\d\d s", answers["small-events"])


def test_the_page_words_the_questions_as_the_script_does(documented: dict[str, tuple[str, str]]) -> None:
    source = (SMOKE / "smoke.py").read_text()
    asked = dict(re.findall(r'@question\(\s*"([a-z0-9-]+)",\s*"(.+?)",?\s*\)', source))

    assert {name: text for name, (text, _) in documented.items()} == asked


def test_an_address_that_is_missing_is_named() -> None:
    command: list[str | Path] = [sys.executable, SMOKE / "smoke.py", "layer=http://127.0.0.1:1/"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)

    assert done.returncode == 2
    assert (
        done.stderr == "give an address for each of layer, raw, raw-buffered, short, throttled, as layer=https://...\n"
    )
