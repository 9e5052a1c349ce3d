"""The page of functions/agent in a real browser, beside a server in place of Bedrock that holds each word back."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from agent_page import (
    FOCUS,
    NOTE,
    STATE,
    STATUS,
    SUMMARY,
    TEXT,
    ask,
    browser,
    needs_chromium,
    open_empty,
    page,
    runs,
    sample,
    serving,
    shown,
)
from agent_sample import FOLDER, Sample, agent_on_bedrock, end, refused, said, text, tool_use
from chromium import Page
from cutting_proxy import CuttingProxy, cutting
from lambda_streamify.resume import RUNNING, STOPPED, SQLiteStore
from url_client import request
from waiting import wait_until

__all__ = ["browser", "page", "runs", "sample", "serving"]

pytestmark = needs_chromium


@pytest.fixture
def proxy(sample: Sample) -> Iterator[CuttingProxy]:
    with cutting(sample.url) as proxy:
        yield proxy


def run_id(page: Page) -> str:
    return str(page.evaluate("JSON.parse(sessionStorage.getItem('agent-turns')).at(-1).run"))


# --- streams ---------------------------------------------------------------------------------------------------------


def test_each_word_is_shown_while_the_model_holds_the_next_one_back(page: Page, sample: Sample) -> None:
    sample.calls.answers = [said(text("one "), text("two "), text("three"), end(tokens=3))]

    ask(page)
    for count in (1, 2, 3):
        page.wait_for(shown(*("one ", "two ", "three")[:count]))
        assert page.evaluate(STATE) == "running"
        sample.bedrock.release()

    page.wait_for(f"{STATE} === 'done'")
    assert page.evaluate(NOTE) == "3 tokens"
    assert page.evaluate(FOCUS) == "prompt"
    page.wait_for(f"{STATUS} === 'one two three 3 tokens'")  # for screen readers, once and whole


def test_a_tool_is_shown_while_it_is_called_and_with_its_result(page: Page, sample: Sample) -> None:
    sample.calls.answers = [
        said(text("I calculate.") + tool_use("calculate", '{"expression": "6 * 7"}'), end("tool_use")),
        said(text("42") + end()),
    ]
    tool = "document.querySelector('.tool')"

    ask(page)
    page.wait_for(f"{tool}?.dataset.state === 'running'")
    assert page.evaluate(SUMMARY) == "calculate 6 * 7 running"
    sample.bedrock.release()

    page.wait_for(f"{STATE} === 'done'")
    assert page.evaluate(f"{tool}.dataset.state") == "done"
    assert page.evaluate(SUMMARY) == "calculate 6 * 7 42"
    page.wait_for(shown("I calculate.|42"))


def test_the_next_question_goes_with_the_conversation(page: Page, sample: Sample) -> None:
    sample.calls.answers = [said(text("Because.") + end()), said(text("Really.") + end())]

    ask(page, "Why?")
    page.wait_for(f"{STATE} === 'done'")
    ask(page, "Really?")
    page.wait_for(shown("Really."))
    page.wait_for(f"{STATE} === 'done'")

    messages = json.loads(sample.bedrock.requests[-1])["messages"]
    assert [(one["role"], one["content"][0]["text"]) for one in messages] == [
        ("user", "Why?"),
        ("assistant", "Because."),
        ("user", "Really?"),
    ]


def test_the_hash_of_the_question_is_sent_for_cloudfront(page: Page, sample: Sample) -> None:
    sample.calls.answers = [said(text("Because.") + end())]
    page.evaluate("void (window.real = fetch, window.fetch = (path, options) => real(path, (window.sent = options)))")

    ask(page, "Whÿ?")
    page.wait_for(f"{STATE} === 'done'")

    body = page.evaluate("new TextDecoder().decode(sent.body)")
    assert json.loads(body) == {"messages": [{"role": "user", "content": "Whÿ?"}]}
    assert page.evaluate("sent.headers['x-amz-content-sha256']") == hashlib.sha256(body.encode()).hexdigest()


def test_what_a_model_and_its_tools_say_is_text(page: Page, sample: Sample) -> None:
    markup = "<img src=x onerror='window.hacked = 1'><script>window.hacked = 1</script>"
    sample.calls.answers = [
        said(text(markup) + tool_use("lighthouse", json.dumps({"name": markup})) + end("tool_use")),
        said(text(markup) + end()),
    ]

    ask(page, markup)
    page.wait_for(f"{STATE} === 'done'")

    assert page.text().count(markup) >= 3
    assert page.evaluate("document.querySelectorAll('img, script:not([src]), [onerror]').length") == 0
    assert page.evaluate("window.hacked") is None


# --- stops and cuts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["button", "key"])
def test_a_stop_ends_the_run_on_the_server(page: Page, sample: Sample, runs: Path, way: str) -> None:
    sample.calls.answers = [said(text("one "), text("two "), text("three") + end())]
    store = SQLiteStore(runs)
    ask(page)
    page.wait_for(shown("one "))
    found = store.find(f"{run_id(page)}/anonymous")
    assert found is not None
    assert found.state == RUNNING

    if way == "key":
        page.press("Escape")
    else:
        page.evaluate("document.getElementById('stop').focus()")
        page.press("Enter")
    key = f"{run_id(page)}/anonymous"
    wait_until(lambda: (store.find(key) or found).stop_requested, "the page to ask for the stop")
    beats = (store.find(key) or found).beats
    wait_until(lambda: (store.find(key) or found).beats > beats, "the writer to learn of it")
    sample.bedrock.release()

    page.wait_for(f"{STATE} === 'done'")
    assert page.evaluate(NOTE) == "Stopped."
    assert page.evaluate(TEXT) == "one two "
    assert page.evaluate(FOCUS) == "prompt"
    wait_until(lambda: (store.find(key) or found).state == STOPPED, "the end of the run in the store")
    sample.bedrock.release()  # what the server still has, the function no longer reads


def test_after_a_cut_the_page_shows_every_word_once(browser: Page, sample: Sample, proxy: CuttingProxy) -> None:
    sample.calls.answers = [said(text("one "), text("two "), text("three "), text("four"), end())]
    asked = len(sample.bedrock.requests)
    open_empty(browser, proxy.url)
    ask(browser)
    browser.wait_for(shown("one "))

    for count, word in enumerate(("two ", "three "), 1):
        proxy.cut()
        sample.bedrock.release()  # the word leaves while the page has no connection, or a new one
        wait_until(lambda count=count: reconnects(proxy) >= count, "the page to come back")  # type: ignore[misc]
        browser.wait_for(f"{TEXT}.endsWith({json.dumps(word)})")
    sample.bedrock.release()
    browser.wait_for(shown("one ", "two ", "three ", "four"))
    sample.bedrock.release()

    browser.wait_for(f"{STATE} === 'done'")
    assert browser.evaluate(TEXT) == "one two three four"
    assert len(sample.bedrock.requests) == asked + 1


def reconnects(proxy: CuttingProxy) -> int:
    return sum(line.startswith("GET /runs/") for line in proxy.requests)


def test_a_page_that_is_loaded_again_goes_on_with_its_run(page: Page, sample: Sample) -> None:
    sample.calls.answers = [said(text("one "), text("two"), end())]
    asked = len(sample.bedrock.requests)
    ask(page)
    page.wait_for(shown("one "))

    page.open("about:blank")
    page.open(sample.url)
    page.wait_for(shown("one "))
    sample.bedrock.release()
    page.wait_for(shown("one ", "two"))
    sample.bedrock.release()

    page.wait_for(f"{STATE} === 'done'")
    assert len(sample.bedrock.requests) == asked + 1


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_is_shown_and_can_be_retried_when_that_makes_sense(page: Page, sample: Sample) -> None:
    sample.calls.answers = [refused("InternalServerException", 500), said(text("Because.") + end())]
    again = "document.querySelector('.turn:last-child .again')"

    ask(page)
    page.wait_for(f"{STATE} === 'failed'")
    assert page.evaluate(NOTE) == "The model cannot answer now."
    page.wait_for(f"!{again}.hidden && !{again}.disabled")  # after the 2 seconds that the server has named
    page.evaluate(f"{again}.click()")

    page.wait_for(shown("Because."))
    page.wait_for(f"{STATE} === 'done'")
    assert page.evaluate(f"{again}.hidden")
    assert page.evaluate("document.querySelectorAll('.turn').length") == 1


def test_an_error_that_will_not_pass_offers_no_retry(page: Page, sample: Sample) -> None:
    sample.calls.answers = [refused("AccessDeniedException", 403)]

    ask(page)
    page.wait_for(f"{STATE} === 'failed'")

    assert page.evaluate(NOTE) == "The model cannot answer."
    assert page.evaluate("document.querySelector('.again').hidden")


def test_a_function_that_cannot_be_reached_can_be_asked_again(browser: Page, sample: Sample) -> None:
    with cutting(sample.url) as proxy:
        open_empty(browser, proxy.url)

    ask(browser)
    browser.wait_for(f"{STATE} === 'failed'")

    assert browser.evaluate(NOTE) == "The function cannot be reached."
    browser.wait_for("!document.querySelector('.again').hidden && !document.querySelector('.again').disabled")


def test_a_function_that_wants_a_token_gets_one_from_the_person(browser: Page, tmp_path: Path, cache: Path) -> None:
    # The sample with another `auth`, as a project of one's own would have it.
    copytree(FOLDER, tmp_path / "code")
    (tmp_path / "code" / "auth.py").write_text(
        "class Unauthorized(Exception):\n"
        "    www_authenticate = 'Bearer'\n"
        "class IssuerUnavailable(Exception):\n"
        "    pass\n"
        "def caller(event):\n"
        "    if event['headers'].get('authorization') != 'Bearer secret':\n"
        "        raise Unauthorized('the request has no token')\n"
        "    return 'ann'\n"
    )
    variables = {"RUNS_TABLE": "", "RUNS_FILE": str(tmp_path / "runs.db")}
    with agent_on_bedrock(tmp_path, cache, code=tmp_path / "code", **variables) as sample:
        sample.calls.answers = [said(text("Because.") + end())]
        open_empty(browser, sample.url)
        assert request(sample.url, "/runs/x", method="DELETE").status == 401

        ask(browser)
        browser.wait_for("document.getElementById('sign-in').open")
        assert browser.evaluate(FOCUS) == "token"
        browser.write("secret")
        browser.press("Enter")

        browser.wait_for(shown("Because."))
        browser.wait_for(f"{STATE} === 'done'")
