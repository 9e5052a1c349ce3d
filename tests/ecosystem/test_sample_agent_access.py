"""The page of functions/agent for everybody: any window, both colour schemes, the keyboard, and screen readers."""

import json

import pytest

from agent_page import FOCUS, STATE, STATUS, ask, browser, needs_chromium, page, runs, sample, serving
from agent_sample import Sample, end, refused, said, text, tool_use
from chromium import Page
from contrast import CONTRAST

__all__ = ["browser", "page", "runs", "sample", "serving"]

pytestmark = needs_chromium


@pytest.fixture
def finished(page: Page, sample: Sample) -> Page:
    """A page with a long answer, a tool and an error."""
    long = "word" * 60
    sample.calls.answers = [
        said(text(f"{long} and more") + tool_use("lighthouse", json.dumps({"name": long})) + end("tool_use")),
        said(text("Because.") + end()),
        refused("AccessDeniedException", 403),
    ]
    ask(page, long)
    page.wait_for(f"{STATE} === 'done'")
    page.evaluate("document.querySelector('.tool').open = true")
    ask(page)
    page.wait_for(f"{STATE} === 'failed'")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_into_any_window_and_can_be_read(finished: Page, scheme: str) -> None:
    for width in (320, 390, 768, 1280, 1920):
        finished.show(width, 900, prefers_color_scheme=scheme, prefers_reduced_motion="reduce")

        assert finished.evaluate("document.documentElement.scrollWidth") <= width
        ratio, element = finished.evaluate(CONTRAST)
        assert ratio >= 4.5, element
        assert finished.evaluate("document.getAnimations().length") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_view_fits_and_can_be_read(page: Page, scheme: str) -> None:
    for width in (320, 1920):
        page.show(width, 700, prefers_color_scheme=scheme)

        assert page.evaluate("document.documentElement.scrollWidth") <= width
        ratio, element = page.evaluate(CONTRAST)
        assert ratio >= 4.5, element


def test_it_can_be_used_from_the_keyboard(page: Page, sample: Sample) -> None:
    assert page.evaluate(FOCUS) == "prompt"
    reached = []
    for _ in range(7):
        page.press("Tab")
        reached.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert reached == ["send", "", "skip", "suggestion", "suggestion", "suggestion", "prompt"]

    sample.calls.answers = [said(text("Because.") + end())]
    page.evaluate("document.querySelector('.suggestion').focus()")
    page.press("Enter")
    page.wait_for(f"{STATE} === 'done'")
    assert page.evaluate(FOCUS) == "prompt"

    page.evaluate("document.getElementById('new').focus()")
    page.press("Enter")
    page.wait_for("!document.getElementById('welcome').hidden")
    assert page.evaluate(FOCUS) == "prompt"


def test_each_field_list_and_button_has_a_name_and_the_status_is_live(finished: Page) -> None:
    tree = finished.call("Accessibility.getFullAXTree")["nodes"]
    named = {"button", "textbox", "list", "heading", "DisclosureTriangle"}
    nodes = [(node["role"]["value"], node.get("name", {}).get("value")) for node in tree if not node["ignored"]]

    assert ("textbox", "Message") in nodes
    assert ("button", "New conversation") in nodes
    assert ("list", "Conversation") in nodes
    assert [role for role, name in nodes if role in named and not name] == []
    assert finished.evaluate("document.getElementById('status').getAttribute('aria-live')") == "polite"
    assert finished.evaluate(STATUS) == "The model cannot answer."
