"""The dashboard in a real browser, beside a real emulator."""

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from chromium import Page, browsing, find_chromium
from contrast import CONTRAST
from emulator_fixtures import emulator
from emulator_process import EmulatorProcess, emulating
from gate import Gate
from tiny_template import write_template
from url_client import request, wire

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

    page.wait_for(f"{RESULT} === 'running; the client disconnected'")
    assert page.evaluate("document.getElementById('outcome').textContent") == "Not read to its end."
    gate.open()
    gate.open()
    page.wait_for(f"{RESULT} === 'complete; the client disconnected'")


MARKUP = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"
FOREIGN = "document.querySelectorAll('img, script:not([src]), [onerror]').length"


MORE = f"{NEWEST}.nextElementSibling"


def open_newest(page: Page, target: str, result: str) -> None:
    """Open the newest row by the keyboard, as soon as it is the one of this request and has this result."""
    page.wait_for(f"{NEWEST}?.querySelector('button').title === {json.dumps(target)}")
    page.wait_for(f"{RESULT} === {json.dumps(result)}")
    page.evaluate(f"{NEWEST}.querySelector('button').focus()")
    page.press("Enter")
    page.wait_for(f"{MORE}?.querySelector('.facts')?.textContent.startsWith('Request id ')")


def test_a_request_shows_what_the_client_sent_and_the_status_that_it_got(page: Page, emulator: EmulatorProcess) -> None:
    url = emulator.urls["cases"]
    request(url, "/raises", method="POST", body=b"question", headers={"x-mine": "1"})

    open_newest(page, "POST /raises", "ValueError: no answer")

    assert page.evaluate(f"{NEWEST}.cells[0].innerText.split('\\n')") == ["POST /raises", "cases"]
    assert page.evaluate(f"{NEWEST}.cells[2].textContent") == "502"
    page.wait_for(f"{MORE}.innerText.includes('REPORT RequestId: ')")
    parts = page.evaluate(
        f"Object.fromEntries([...{MORE}.querySelectorAll('h3')].map((h) => "
        "[h.textContent, h.parentElement.hidden ? null : h.nextSibling.textContent]))"
    )
    assert parts["Request"].startswith("POST /raises\n")
    assert {"x-mine: 1", "question"} <= set(parts["Request"].splitlines())
    assert parts["Status and headers"].startswith("HTTP 502\nx-amzn-requestid: ")
    assert parts["Error report"].startswith("ValueError: no answer\n")
    assert "raise ValueError" in parts["Log"]
    assert parts["Log"].splitlines()[0].startswith("START RequestId: ")
    assert parts["Chunks"] is None

    page.press("Enter")
    page.wait_for(f"{NEWEST}.querySelector('button').getAttribute('aria-expanded') === 'false'")
    assert page.evaluate("document.querySelectorAll('.details').length") == 0


@pytest.mark.parametrize("front_end", ["url", "api"])
def test_a_request_is_sent_again_as_it_was(page: Page, emulator: EmulatorProcess, front_end: str) -> None:
    target = "POST /event_text?a=1" if front_end == "url" else "GET /live/whole/event_text?a=1"
    if front_end == "url":
        body = b"\xff" + bytes(10)
        request(emulator.urls["cases"], "/event_text?a=1", method="POST", body=body, headers={"x-mine": "1"})
    else:
        request(emulator.apis["CasesApi"], "/live/whole/event_text?a=1", headers={"x-mine": "1"})
    open_newest(page, target, "complete")
    chunks = f"[...{MORE}.querySelectorAll('.chunks li :last-child')].map((one) => one.textContent).join('')"
    first = json.loads(page.evaluate(chunks))

    page.evaluate(f"{MORE}.querySelector('button').click()")
    page.wait_for("document.getElementById('outcome').className === 'good'")
    again = json.loads(page.evaluate(chunks.replace(MORE, "document").replace(".chunks li", "#chunks li")))

    if front_end == "api":
        first = json.loads(first["body"])  # the page shows what the function sent: the whole answer
    assert first["headers"]["x-mine"] == "1"
    ids = {"x-amzn-trace-id", "X-Amzn-Trace-Id"}
    assert without(again["headers"], ids) == without(first["headers"], ids)
    assert (again["body"], again["queryStringParameters"]) == (first["body"], {"a": "1"})
    assert again["requestContext"]["requestId"] != first["requestContext"]["requestId"]


def without(headers: dict[str, str], names: set[str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


def test_a_signed_request_is_signed_anew(page: Page) -> None:
    fill(page, function="signed", path="/value?value=42")
    submit(page)
    page.wait_for("document.getElementById('outcome').className === 'good'")
    open_newest(page, "GET /value?value=42", "complete")

    page.evaluate(f"{MORE}.querySelector('button').click()")
    page.wait_for("document.getElementById('outcome').className !== 'running'")

    assert page.evaluate("document.getElementById('outcome').textContent").startswith("HTTP 200: ")


def test_chunks_are_shown_with_times_and_saved_as_a_recording(page: Page) -> None:
    fill(page, function="cases", kind="event", event=json.dumps({"case": "fails", "after": 2}))
    submit(page)
    open_newest(page, "Invoke", "LookupError: no more chunks")

    chunks = page.evaluate(f"[...{MORE}.querySelectorAll('.chunks li')].map((one) => one.textContent)")
    assert [chunk.split(" s")[1] for chunk in chunks] == ["chunk 0", "chunk 1"]
    saved = page.evaluate(f"fetch({MORE}.querySelector('a[download]').href).then((response) => response.text())")
    header, *events = [json.loads(line) for line in saved.splitlines()]
    assert (header["layer"], header["function"]) == ("runtime-api", "cases")
    assert [event[1] for event in events][-3:] == ["o", "e", "x"]


def test_a_request_without_a_function_says_why(page: Page, emulator: EmulatorProcess) -> None:
    request(emulator.urls["off"], "/off")

    open_newest(page, "GET /off", "throttled: ReservedFunctionConcurrentInvocationLimitExceeded")

    assert page.evaluate(f"{NEWEST}.cells[2].textContent") == "429"


def test_all_bars_have_one_time_scale_or_each_its_own(page: Page, emulator: EmulatorProcess) -> None:
    widths = "[...document.querySelectorAll('#list .timeline')].map((one) => one.style.width)"
    request(emulator.urls["cases"], "/value", value=42)
    page.wait_for(f"{RESULT} === 'complete'")

    assert page.evaluate("document.getElementById('scale').firstChild.textContent") == "0"
    assert "100%" not in page.evaluate(f"{widths}.slice(0, 1)")

    page.evaluate("document.getElementById('same-scale').click()")
    assert set(page.evaluate(widths)) == {"100%"}
    page.evaluate("document.getElementById('same-scale').click()")


def test_the_log_shows_all_functions_together_or_one(page: Page, emulator: EmulatorProcess) -> None:
    log = "document.getElementById('log').textContent"
    for name in ("cases", "shared", "cases"):
        with emulator.logged(f"{name} | REPORT"):
            request(emulator.urls[name], "/value", value=42)
    page.wait_for(f"({log}.match(/shared [|] REPORT[^]*cases [|] REPORT/) ?? []).length === 1")

    page.evaluate("document.getElementById('log-function').value = 'shared'")
    page.evaluate("document.getElementById('log-function').dispatchEvent(new Event('change'))")

    assert " | " not in page.evaluate(log)
    assert page.evaluate(log).splitlines()[0].startswith("START RequestId: ")


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
    for _ in range(80):
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_can_be_read_in_both_schemes(page: Page, scheme: str) -> None:
    fill(page, function="cases", path=answering())
    submit(page)
    page.wait_for("document.getElementById('outcome').className === 'good'")
    page.show(1280, 1000, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")

    ratio, element = page.evaluate(CONTRAST)

    assert ratio >= 4.5, element


LONG = "Function" * 30
MISTAKES = f"""
  {LONG}:
    Type: AWS::Serverless::Function
    Properties:
      Timeout: 1000
      FunctionUrlConfig: {{InvokMode: RESPONSE_STREAM}}
"""


@pytest.fixture(scope="module")
def mistaken(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    """An emulator of a template with mistakes, and with a name that is as long as CloudFormation allows."""
    folder = tmp_path_factory.mktemp("mistaken")
    template = write_template(folder, MISTAKES)
    template.write_text(template.read_text().replace("Parameters:", "Parameters:\n  PythonRuntime: {Default: mine}"))
    with emulating(tmp_path_factory.mktemp("emulator"), cache, template=template, measured=False) as emulator:
        request(emulator.urls["first"], "/" + "long" * 100, q="x" * 400)
        yield emulator


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280, 1920])
def test_it_fits_into_any_window_and_can_be_read(
    browser: Page, mistaken: EmulatorProcess, width: int, scheme: str
) -> None:
    browser.show(width, 900, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")
    browser.open(mistaken.lambda_api)
    browser.wait_for(f"({NEWEST}?.cells[8].textContent ?? 'running') !== 'running'")
    browser.evaluate(f"{NEWEST}.querySelector('button').click()")
    browser.wait_for(f"{MORE}.querySelector('.facts').textContent !== ''")
    browser.evaluate("document.querySelector('#problems summary').click()")

    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    ratio, element = browser.evaluate(CONTRAST)
    assert ratio >= 4.5, element


def test_invocations_that_share_a_sandbox_stand_apart_beside_its_memory(
    browser: Page, tmp_path: Path, cache: Path
) -> None:
    state = "(document.querySelector('[data-state-of=cases]')?.textContent ?? '')"  # the page may not have drawn it yet
    running = "[...document.querySelectorAll('#list tbody tr')].map((row) => row.cells[8]?.textContent)"
    options = ("--only", "cases", "--max-concurrency", "2")
    with (
        emulating(tmp_path, cache, *options, measured=False) as emulator,
        Gate() as one,
        Gate() as other,
        wire(emulator.urls["cases"], "/gated", gate=one.address, chunks=1) as first,
        wire(emulator.urls["cases"], "/gated", gate=other.address, chunks=1) as second,
    ):
        browser.open(emulator.lambda_api)
        browser.wait_for(rf"/^2 of 2 at a time, \d+ MB in 3 processes$/.test({state})")
        assert browser.evaluate(running) == ["running", "running"]
        other.open()
        second.read_until(b"0\r\n\r\n")
        browser.wait_for(f"{running}.sort().join() === 'complete,running'")
        browser.wait_for(f"{state}.startsWith('1 of 2 at a time')")
        one.open()
        first.read_until(b"0\r\n\r\n")


def test_mistakes_in_the_template_are_listed_with_what_to_write(browser: Page, mistaken: EmulatorProcess) -> None:
    browser.show(1280, 900)
    browser.open(mistaken.lambda_api)
    browser.wait_for("!document.getElementById('problems').hidden")

    listed = browser.evaluate("[...document.querySelectorAll('#problems-list li')].map((one) => one.textContent)")

    count = browser.evaluate("document.getElementById('problems-count').textContent")
    assert count == "1 error"
    (item,) = listed
    assert f"{LONG}: FunctionUrlConfig has no property InvokMode [misspelt-property]InvokeMode:" in item
    assert item.startswith("errortemplate.yaml:")


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
