"""With --reliability-page the results of the fault matrix are written into docs/reference/reliability.md."""

import platform
import time
from collections.abc import Generator

import pytest

from reliability_page import FAILED, PAGE, PASSED, generated, key, replaced

RESULTS = pytest.StashKey[dict[tuple[str, str], str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability-page", action="store_true", help="write the results into the page")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RESULTS] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    parameters = getattr(item, "callspec", None)
    if parameters is not None and "cell" in parameters.params and (report.when == "call" or report.failed):
        fault, place = parameters.params["fault"], parameters.params["place"]
        item.config.stash[RESULTS][key(fault, place)] = PASSED if report.passed else FAILED
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    results = session.config.stash[RESULTS]
    if session.config.getoption("reliability_page") and results:
        day = time.strftime("%Y-%m-%d", time.gmtime())
        ran = f"{day}, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), generated(results, ran)), encoding="utf-8")
