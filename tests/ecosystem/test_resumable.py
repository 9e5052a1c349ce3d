"""Streams that a browser's own EventSource comes back to after its connection was cut."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from chromium import Page, browsing, find_chromium
from cutting_proxy import CuttingProxy, cutting
from emulator_process import EmulatorProcess
from gate import Gate
from lambda_streamify.resume import SQLiteStore
from resumable_emulator import resumable_emulator
from url_client import request
from waiting import wait_until

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")

TOKENS = "document.getElementById('tokens').textContent"
STATE = "document.getElementById('state').textContent"


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[tuple[EmulatorProcess, SQLiteStore]]:
    with resumable_emulator(tmp_path_factory.mktemp("resumable"), cache) as serving:
        yield serving


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(CHROMIUM or "", tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def proxy(serving: tuple[EmulatorProcess, SQLiteStore]) -> Iterator[CuttingProxy]:
    with cutting(serving[0].urls["runs"]) as proxy:
        yield proxy


def streams(proxy: CuttingProxy) -> int:
    """Return how often the page has asked for the stream."""
    return sum(line.startswith("GET /stream") for line in proxy.requests)


def shown(*numbers: int) -> str:
    """Return the expression that is true when the page shows these tokens and no others."""
    return f"{TOKENS} === {''.join(f'token{number} ' for number in numbers)!r}"


@pytest.mark.parametrize("form", ["sync", "async"])
def test_after_a_cut_the_page_shows_every_token_once_and_stops_asking_at_the_end(
    page: Page, proxy: CuttingProxy, gate: Gate, form: str
) -> None:
    page.open(f"{proxy.url}?key={uuid4().hex}&form={form}&count=5&gate={gate.address}")
    page.wait_for(shown(1))
    gate.open()
    page.wait_for(shown(1, 2))
    gate.wait_for_function()

    proxy.cut()
    page.wait_for(f"{STATE} === 'connecting'")
    gate.open_for_waiting()  # token 3 leaves while the page has no connection, or a new one
    gate.wait_for_function()
    page.wait_for(shown(1, 2, 3))
    proxy.cut()
    gate.open_for_waiting()
    page.wait_for(shown(1, 2, 3, 4))
    gate.open()
    page.wait_for(shown(1, 2, 3, 4, 5))
    gate.open()

    page.wait_for(f"{STATE} === 'closed'")  # which only an answer with status 204 does
    page.wait_for(shown(1, 2, 3, 4, 5))
    assert streams(proxy) == 4  # the first one, two after a cut, and the one that was told that there is no more


def test_a_page_that_is_loaded_again_shows_everything_again(page: Page, proxy: CuttingProxy, gate: Gate) -> None:
    url = f"{proxy.url}?key={uuid4().hex}&count=2&gate={gate.address}"
    page.open(url)
    page.wait_for(shown(1))
    page.open(f"{url}&again")
    page.wait_for(shown(1))
    gate.open()
    page.wait_for(shown(1, 2))
    gate.open()
    page.wait_for(f"{STATE} === 'closed'")


def test_a_stop_reaches_a_page_that_has_come_back(page: Page, proxy: CuttingProxy, gate: Gate) -> None:
    key = uuid4().hex
    page.open(f"{proxy.url}?key={key}&form=async&count=2&gate={gate.address}")
    page.wait_for(shown(1))
    proxy.cut()
    wait_until(lambda: streams(proxy) == 2, "the page to come back")

    assert request(proxy.url, "/stop", key=key).json() == {"stopped": True}

    page.wait_for(f"{TOKENS} === 'token1 stopped '")
    page.wait_for(f"{STATE} === 'closed'")
