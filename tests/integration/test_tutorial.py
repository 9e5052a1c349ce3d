"""The pages of docs/tutorial: the files that they have their readers write, and what their commands print."""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chromium import browsing, find_chromium
from emulator_process import RUNTIME, EmulatorProcess, emulating
from processes import ROOT, clean_environment, run
from shown_sessions import assert_prints, files, sessions

pytestmark = pytest.mark.slow

FOLDER = ROOT / "docs" / "tutorial"
HEADING = re.compile(r"^## (\d+)\. (.+)$", re.MULTILINE)
OF_THE_MACHINE = ("mkdir", "python3 -m venv", "pip install")  # other tests make environments


class Step(NamedTuple):
    """A step: the files that it writes, and its commands with what they print."""

    number: int
    files: dict[str, str]
    sessions: list[tuple[str, str]]


def steps() -> list[Step]:
    page = (FOLDER / "index.md").read_text(encoding="utf-8")
    _, *parts = HEADING.split(page.partition("## Where to go")[0])
    numbered = zip(parts[::3], parts[2::3], strict=True)
    return [Step(int(number), files(text), sessions(text)) for number, text in numbered]


STEPS = steps()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tutorial") / "my-agent"
    write(folder, 2)
    return folder


@pytest.fixture(scope="module")
def emulator(project: Path, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    """Return the emulator that the tutorial starts once and leaves running."""
    scratch, handler = tmp_path_factory.mktemp("emulator"), project / "agent" / "app.py"
    with emulating(scratch, cache, "--timeout", "60", template=handler, parameters=(), measured=False) as emulator:
        yield emulator


def write(folder: Path, number: int) -> None:
    """Write the files as they are after this step."""
    for step in STEPS[:number]:
        for name, content in step.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")


def test_there_are_ten_steps_and_each_shows_something() -> None:
    assert [step.number for step in STEPS] == list(range(1, 11))
    assert [step.number for step in STEPS if not step.files and not step.sessions] == []
    assert sorted(STEPS[-1].files) == ["template.yaml", "test_agent.py"]


@pytest.mark.parametrize("step", STEPS[:-1], ids=lambda step: f"step {step.number}")
def test_the_commands_of_a_step_print_what_it_shows(
    step: Step, project: Path, emulator: EmulatorProcess, cache: Path
) -> None:
    write(project, step.number)
    if step.number == 8:
        model = project / "agent" / "agent.py"
        # Of another length: Python knows an edit within the same second by the size of the file.
        model.write_text(model.read_text().replace("THINKING = 0.5", "THINKING = 2.50"))
    (url,) = emulator.urls.values()

    for command, shown in step.sessions:
        if not command.startswith(OF_THE_MACHINE):
            assert_prints(command.removeprefix("cd agent && "), shown, project / "agent", url, cache)


def test_the_last_step_tests_the_template_and_finds_no_mistake(project: Path, cache: Path) -> None:
    write(project, 10)
    environment = clean_environment(STREAMIFY_CACHE_DIR=str(cache))
    options = ("-p", "no:cacheprovider", "-o", f"streamify_parameters=PythonRuntime={RUNTIME}")
    (_, shown), (check, found) = STEPS[-1].sessions

    printed = run(sys.executable, "-m", "pytest", *options, cwd=project, env=environment)

    assert [line for line in shown.splitlines() if line != "..." and line not in printed.splitlines()] == []
    assert run(*shlex.split(check), cwd=project, env=environment) == found


WAITING_AGENT = """
import time
from pathlib import Path


def answer(question):
    yield {{"token": "Dress "}}
    while not Path({gate!r}).exists():
        time.sleep(0.01)
    yield {{"token": "warm."}}
"""


def test_the_page_shows_each_part_of_the_answer_before_the_next_one_is_made(
    project: Path, emulator: EmulatorProcess, tmp_path: Path
) -> None:
    program = find_chromium()
    if program is None:
        pytest.skip("the test needs Chromium, and it is not installed")
    write(project, 9)
    gate = tmp_path / "gate"
    (project / "agent" / "agent.py").write_text(WAITING_AGENT.format(gate=str(gate)))
    (url,) = emulator.urls.values()

    with browsing(program, tmp_path / "browser") as page:
        page.open(url)
        page.evaluate("document.querySelector('button').click()")
        page.wait_for("document.querySelector('#answer').textContent === 'Dress '")
        assert page.evaluate("document.querySelector('#state').textContent") == ""
        gate.touch()
        page.wait_for("document.querySelector('#state').textContent === 'complete'")

        assert page.evaluate("document.querySelector('#answer').textContent") == "Dress warm."


def test_a_template_of_one_s_own_streams_with_the_lines_of_its_page(cache: Path, tmp_path: Path) -> None:
    page = (FOLDER / "your-template.md").read_text(encoding="utf-8")
    folder = tmp_path / "project"
    for name, content in files(page).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content.replace("python3.13", RUNTIME), encoding="utf-8")
    (tmp_path / "emulator").mkdir()

    with emulating(
        tmp_path / "emulator", cache, template=folder / "template.yaml", parameters=(), measured=False
    ) as emulator:
        for command, shown in sessions(page):
            assert_prints(command, shown, folder, emulator.urls["report"], cache)
