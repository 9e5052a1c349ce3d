"""A function URL with TLS, under the name that the configurations of deploy/ have for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulator_process import emulating
from processes import ROOT
from proxied_url import FunctionUrl
from web_proxies import FUNCTION_URL

HANDLER = ROOT / "tests" / "data" / "operate" / "app.py"
OPTIONS = ("--tls", "--public-host", FUNCTION_URL, "--timeout", "120", "--limits", "none", "--stream-error", "cut")


@pytest.fixture(scope="session")
def function_url(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[FunctionUrl]:
    scratch = tmp_path_factory.mktemp("function-url")
    log = ("--log-format", "json")
    with emulating(scratch, cache, *OPTIONS, *log, template=HANDLER, parameters=(), measured=False) as emulator:
        yield FunctionUrl(emulator, scratch)
