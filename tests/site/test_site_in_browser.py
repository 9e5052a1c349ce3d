"""The site in Chromium: at three widths, in both schemes, with and without JavaScript."""

from collections.abc import Iterator

import pytest

from chromium import Page, browsing, find_chromium

# One of each kind: the map, a long page with tables and code, generated API, pictures, console sessions.
PAGES = ("/", "/guides/proxies/", "/reference/api/client/", "/explanation/chunk/", "/tutorial/deploy/")
SIZES = {"phone": (390, 844), "tablet": (768, 1024), "desktop": (1440, 900)}
BACKGROUNDS = {"light": "rgb(255, 255, 255)", "dark": "rgb(30, 33, 41)"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    program = find_chromium()
    if program is None:
        pytest.skip("the test needs Chromium, and it is not installed")
    with browsing(program, tmp_path_factory.mktemp("browser")) as page:
        yield page


def show(browser: Page, size: str, scheme: str, url: str) -> None:
    browser.show(*SIZES[size], prefers_color_scheme=scheme)
    browser.open(url)


@pytest.mark.parametrize("scheme", BACKGROUNDS)
def test_the_scheme_is_that_of_the_system(browser: Page, address: str, scheme: str) -> None:
    show(browser, "desktop", scheme, address)

    assert browser.evaluate("getComputedStyle(document.body).backgroundColor") == BACKGROUNDS[scheme]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_each_window_and_loads_from_its_own_server_only(browser: Page, address: str, path: str) -> None:
    browser.console.clear()
    browser.open(address + path)
    widths = {}
    for width, height in SIZES.values():
        browser.show(width, height)
        widths[width] = browser.evaluate("document.documentElement.scrollWidth")
    loaded = browser.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")

    assert [width for width, needed in widths.items() if needed > width] == []
    assert loaded != []
    assert [url for url in loaded if not url.startswith(f"{address}/")] == []
    assert browser.console == []


def test_the_search_finds_a_name_of_the_api(browser: Page, address: str) -> None:
    show(browser, "desktop", "light", address)
    browser.evaluate("document.querySelector('.md-search__input').focus()")
    browser.write("read_stream")

    browser.wait_for("document.querySelectorAll('.md-search-result__link[href*=\"reference/api\"]').length > 0")


def test_the_copy_button_takes_the_commands_of_a_console_without_prompts(browser: Page, address: str) -> None:
    show(browser, "desktop", "light", f"{address}/tutorial/deploy/")
    copied = browser.evaluate(
        "(() => { const code = [...document.querySelectorAll('.highlight code')]"
        ".find(code => code.innerText.includes('Build Succeeded'));"
        " code.setAttribute('data-md-copying', ''); return code.innerText.trim() })()"
    )

    assert copied == "sam build"


def test_an_article_and_its_links_are_visible_without_javascript(browser: Page, address: str) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        show(browser, "phone", "light", address)
        links = browser.evaluate("[...document.querySelectorAll('article a[href]')].filter(a => a.offsetHeight).length")
        text = browser.text()
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)

    assert "a plain generator streams" in text
    assert links >= 5
