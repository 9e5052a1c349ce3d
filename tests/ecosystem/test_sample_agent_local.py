"""functions/agent on a machine without credentials: a script answers, and `make demo-web` opens the page."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator_process import EmulatorProcess
from processes import ROOT, clean_environment
from request_events import event
from sample_services import answered, recorded, sample_emulator
from waiting import TIMEOUT_S, wait_until


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("scripted")
    functions = {"AgentFunction": {"RUNS_FILE": str(folder / "runs.db")}}
    with sample_emulator(folder, cache, functions=functions, settings={}) as emulator:
        yield emulator


def without_ids(body: bytes) -> bytes:
    return re.sub(rb'^id: .*$|(?<=^data: {"id":")[\w-]{22}', b"", body, flags=re.MULTILINE)


def test_the_recording_is_what_the_script_answers_except_for_the_ids(scripted: EmulatorProcess) -> None:
    now, then = answered(scripted, "agent"), recorded("agent")

    assert (now.status, now.headers) == (then.status, then.headers)
    assert without_ids(now.body) == without_ids(then.body)


def test_the_command_of_make_demo_web_opens_the_page_in_a_browser(scripted: EmulatorProcess, tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" >{opened}\n')
    browser.chmod(0o755)
    variables = {"AWS_ENDPOINT_URL_LAMBDA": scripted.lambda_api, "BROWSER": str(browser), "DISPLAY": ":0"}

    with started(ROOT / "functions" / "open_page.py", "agent", **variables) as process:
        assert process.stdout is not None
        line = process.stdout.readline().decode()
        wait_until(opened.exists, "the browser")
        wait_until(lambda: opened.read_text() != "", "the address that the browser gets")

    assert scripted.urls["agent"] in line
    assert opened.read_text().strip() == scripted.urls["agent"]


@contextmanager
def started(script: Path, *arguments: str, **variables: str) -> Iterator[Any]:
    """Run a script of Python, and end it as Ctrl-C does."""
    environment = clean_environment(**variables)
    process = subprocess.Popen([sys.executable, script, *arguments], stdout=subprocess.PIPE, env=environment)
    with process:
        try:
            yield process
            process.send_signal(signal.SIGINT)
            assert process.wait(TIMEOUT_S) == 0
        finally:
            process.kill()


def test_the_event_is_a_question(scripted: EmulatorProcess) -> None:
    assert event("agent")["rawPath"] == "/runs"
    assert b"Bell Rock" in answered(scripted, "agent").body
