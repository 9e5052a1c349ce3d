"""The dashboard in a real browser, beside a real emulator."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from chromium import Page, browsing, find_chromium
from emulator_fixtures import emulator
from emulator_process import EmulatorProcess
from gate import Gate
from url_client import request

__all__ = ["emulator"]

CHROMIUM = find_chromium()
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: apt-get install chromium")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with browsing(CHROMIUM or "", tmp_path_factory.mktemp("browser")) as page:
        yield page


@pytest.fixture
def page(browser: Page, emulator: EmulatorProcess) -> Iterator[Page]:
    browser.show(1280, 1000)
    browser.open(emulator.lambda_api)
    browser.wait_for("document.getElementById('function').options.length > 0")
    browser.wait_for("document.getElementById('state').textContent.endsWith('live')")
    browser.console.clear()
    yield browser
    # No error of the script's, and nothing that the Content-Security-Policy had to stop.
    assert browser.console == []


def fill(page: Page, **fields: str) -> None:
    for name, value in fields.items():
        if name == "kind":
            page.evaluate(f"document.querySelector('input[value={value}]').click()")
        else:
            page.evaluate(f"document.getElementById('{name}').value = {json.dumps(value)}")


def submit(page: Page) -> None:
    page.evaluate("document.querySelector('button[type=submit]').click()")


def answering(**response: object) -> str:
    return f"/answer?response={quote(json.dumps({'statusCode': 200, 'body': ['x'], **response}))}"


CHUNKS = "document.querySelectorAll('#chunks li').length"
NEWEST = "document.querySelector('#list tbody tr')"
RESULT = f"{NEWEST}.cells[8].textContent"


def test_each_chunk_is_shown_before_there_is_another_one(page: Page, gate: Gate) -> None:
    fill(page, function="cases", path=f"/gated_body?chunks=3&gate={gate.address}")

    submit(page)
    for number in (1, 2, 3):
        gate.wait_for_function()
        page.wait_for(f"{CHUNKS} === {number}")
        page.wait_for(f"{NEWEST}?.cells[6].textContent === '{number}'")
        assert page.evaluate(RESULT) == "running"
        gate.open_for_waiting()

    page.wait_for(f"{RESULT} === 'complete'")
    page.wait_for("document.getElementById('outcome').className === 'good'")
    assert page.evaluate("document.getElementById('outcome').textContent").startswith("HTTP 200: 3 chunks, 24 bytes, ")
    described = page.evaluate(f"{NEWEST}.querySelector('svg').getAttribute('aria-label')")
    assert described.startswith("3 chunks, first byte ")
    assert page.evaluate(f"{NEWEST}.querySelector('.chunks-path').getAttribute('d').split('M').length") == 4


def test_who_stops_reading_is_seen_to_leave(page: Page, gate: Gate) -> None:
    fill(page, function="cases", path=f"/gated_body?chunks=2&gate={gate.address}")
    submit(page)
    page.wait_for(f"{CHUNKS} === 1")

    page.evaluate("document.getElementById('stop').click()")

    page.wait_for(f"{RESULT} === 'running; the client left'")
    assert page.evaluate("document.getElementById('outcome').textContent") == "Not read to its end."
    gate.open()
    gate.open()
    page.wait_for(f"{RESULT} === 'complete; the client left'")


MARKUP = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"
FOREIGN = "document.querySelectorAll('img, script:not([src]), [onerror]').length"


def test_what_functions_send_and_print_is_text(page: Page) -> None:
    fill(page, function="cases", path=answering(headers={"x-a": MARKUP}, body=[MARKUP, "\n", MARKUP]))
    submit(page)
    page.wait_for("document.getElementById('outcome').className === 'good'")
    page.evaluate("document.querySelector('#response-head summary').click()")
    assert page.text().count(MARKUP) == 3

    fill(page, path=answering(statusCode=MARKUP))
    submit(page)
    page.wait_for(f"{RESULT}.includes({json.dumps(MARKUP[:20])})")
    page.wait_for(f"document.getElementById('log').textContent.includes({json.dumps(MARKUP[:20])})")

    assert page.evaluate("typeof window.hacked") == "undefined"
    assert page.evaluate(FOREIGN) == 0


def test_an_event_is_sent_and_its_error_shown(page: Page) -> None:
    fill(page, function="cases", kind="event", event=json.dumps({"case": "fails", "after": 2}))
    submit(page)
    page.wait_for("document.getElementById('outcome').className === 'bad'")

    assert page.evaluate(CHUNKS) == 2
    assert "no more chunks" in page.evaluate("document.getElementById('outcome').textContent")

    fill(page, event="{")
    submit(page)
    page.wait_for("document.getElementById('outcome').textContent.startsWith('the event is not JSON')")
    page.console.clear()  # of the status, 400


def test_a_signed_url_is_asked_with_a_signature(page: Page) -> None:
    fill(page, function="signed", path="/value?value=42")
    submit(page)
    page.wait_for("document.getElementById('outcome').className !== 'running'")

    assert page.evaluate("document.getElementById('outcome').textContent").startswith("HTTP 200: ")


def test_it_can_be_used_from_the_keyboard(page: Page) -> None:
    page.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(40):
        page.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim().slice(0, 4)"))

    assert {"function", "method", "path", "headers", "body", "Send", "chunks", "log-function", "log"} <= reached

    fill(page, function="cases", path="/value?value=42")
    page.evaluate("document.getElementById('path').focus()")
    page.press("Enter")
    page.wait_for(f"{CHUNKS} === 1")


def test_each_field_has_a_name(page: Page) -> None:
    unnamed = "[...document.querySelectorAll('input, select, textarea')].filter((field) => !field.labels.length).length"
    assert page.evaluate(unnamed) == 0
    regions = "[...document.querySelectorAll('section, svg[role=img], [tabindex=\"0\"]')]"
    named = f"{regions}.filter((one) => !one.getAttribute('aria-label') && !one.getAttribute('aria-labelledby')).length"
    assert page.evaluate(named) == 0


# WCAG 2.2, "Contrast (Minimum)": the ratio of the colours of a text and of what lies behind it.
CONTRAST = """
(() => {
  const colour = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (one) => {
    const found = colour(getComputedStyle(one).backgroundColor);
    return found[3] === 0 && one.parentElement ? ground(one.parentElement) : found;
  };
  const texts = [...document.querySelectorAll('body *')]
    .filter((one) => one.offsetParent && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const ratios = texts.map((one) => {
    const [a, b] = [light(colour(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
    return [(a + 0.05) / (b + 0.05), one.outerHTML.slice(0, 80)];
  });
  return ratios.sort((x, y) => x[0] - y[0])[0];
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_both_schemes(page: Page, scheme: str) -> None:
    fill(page, function="cases", path=answering())
    submit(page)
    page.wait_for("document.getElementById('outcome').className === 'good'")
    page.show(1280, 1000, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")

    ratio, element = page.evaluate(CONTRAST)

    assert ratio >= 4.5, element


@pytest.mark.parametrize("width", [320, 768, 1920])
def test_it_fits_into_any_window(page: Page, width: int) -> None:
    page.show(width, 900)

    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_page_that_reads_nothing_holds_up_no_stream(emulator: EmulatorProcess) -> None:
    address = urlsplit(emulator.lambda_api)
    with closing(socket.socket()) as page:
        page.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        page.connect((address.hostname or "", address.port or 0))
        page.sendall(b"GET /dashboard/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for _ in range(20):
            reply = request(emulator.urls["cases"], "/answer", response=response(20_000))
            assert len(reply.body) == 20_000


def response(size: int) -> dict[str, Any]:
    return {"statusCode": 200, "body": ["x" * (size // 100)] * 100}


def test_a_long_stream_is_shown_to_its_end(page: Page) -> None:
    answer = json.dumps({"statusCode": 200, "body": [f"chunk {number}\n" for number in range(20_000)]})
    fill(page, function="cases", kind="event", event=json.dumps({"case": "answer", "response": answer}))
    submit(page)
    page.wait_for("document.getElementById('outcome').className === 'good'")

    assert ", 228,890 bytes, " in page.evaluate("document.getElementById('outcome').textContent")
    assert page.evaluate(CHUNKS) == 1000
    assert page.evaluate("document.querySelector('#chunks li:last-child').textContent").endswith("chunk 19999")
