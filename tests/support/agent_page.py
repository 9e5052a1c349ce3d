"""The page of functions/agent in a browser: fixtures, and what tests look at. A module imports the fixtures it uses.

A module with them needs a Chromium; without one it is skipped.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_sample import Sample, agent_on_bedrock
from chromium import Page, browsing, find_chromium

CHROMIUM = find_chromium()
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")

TEXT = "[...document.querySelectorAll('.turn:last-child .text')].map((one) => one.textContent).join('|')"
STATE = "document.querySelector('.turn:last-child')?.dataset.state"
NOTE = "document.querySelector('.turn:last-child .note').textContent"
FOCUS = "document.activeElement.id"
SUMMARY = "document.querySelector('.tool summary').innerText.replace(/\\s+/g, ' ')"
STATUS = "document.getElementById('status').textContent"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs") / "runs.db"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, cache: Path, runs: Path) -> Iterator[Sample]:
    folder = tmp_path_factory.mktemp("agent")
    with agent_on_bedrock(folder, cache, RUNS_TABLE="", RUNS_FILE=str(runs)) as sample:
        yield sample


@pytest.fixture
def sample(serving: Sample) -> Iterator[Sample]:
    yield serving
    assert serving.calls.answers == []


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(CHROMIUM or "", tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(browser: Page, sample: Sample) -> Iterator[Page]:
    browser.show(1280, 900)
    open_empty(browser, sample.url)
    browser.console.clear()
    yield browser
    # No error of the script's, and nothing that the Content-Security-Policy had to stop.
    assert browser.console == []


def open_empty(page: Page, url: str) -> None:
    """Go there, without the conversation of another test."""
    page.open(url)
    page.evaluate("sessionStorage.clear()")
    page.open("about:blank")
    page.open(url)
    page.wait_for("document.getElementById('welcome')?.hidden === false")


def ask(page: Page, question: str = "Why?") -> None:
    page.evaluate("document.getElementById('prompt').focus()")
    page.write(question)
    page.press("Enter")


def shown(*pieces: str) -> str:
    return f"{TEXT} === {json.dumps(''.join(pieces))}"
