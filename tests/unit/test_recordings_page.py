"""docs/guides/recordings.md: its commands do what it says, with the recording that it shows."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from documents import blocks
from lambda_streamify_emulator.commands import replay_serve
from lambda_streamify_emulator.commands.cli import app
from lambda_streamify_emulator.replays.faults import Faults
from lambda_streamify_emulator.replays.replay import Mode
from processes import ROOT

PAGE = ROOT / "docs" / "guides" / "recordings.md"
(STORY,) = blocks(PAGE, "ndjson")
SESSIONS = [
    part.partition("\n")
    for block in blocks(PAGE, "console")
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]
OPTIONS = re.findall(r"^\| `(--[^`]+)` \|", PAGE.read_text(), re.MULTILINE)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "story.ndjson").write_text(STORY)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("command", "output"), [(command, output) for command, _, output in SESSIONS])
def test_a_command_prints_what_the_page_shows(command: str, output: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "streamify"

    result = CliRunner().invoke(app, arguments)

    assert (result.exit_code, result.stdout) == (0, output)


def test_each_option_of_a_replay_is_one_and_does_something(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[dict[str, Any]] = []

    async def serve(path: Path, **options: Any) -> None:
        assert path == Path("story.ndjson")
        options["faults"].check(3)
        served.append(options)

    monkeypatch.setattr(replay_serve, "serve", serve)
    for option in OPTIONS:
        result = CliRunner().invoke(app, ["replay", "story.ndjson", *shlex.split(option)])
        assert result.exit_code == 0, (option, result.output)

    assert len(OPTIONS) > 5
    plain = Faults(seed=0)
    assert [options for options in served if options["faults"] == plain and not options["instant"]] == []


def test_the_page_names_every_mode_of_a_replay() -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)) - {"mode"} == {
        mode.value for mode in Mode
    }
