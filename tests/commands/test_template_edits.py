import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from asynchronous import run
from lambda_streamify_emulator.commands import file_watch
from lambda_streamify_emulator.commands.file_watch import FileWatch
from lambda_streamify_emulator.commands.following import follow
from lambda_streamify_emulator.commands.template_source import TemplateSource
from lambda_streamify_emulator.emulator import Emulator
from tiny_template import write_template
from waiting import TIMEOUT_S

THIRD = """  Third:
    Type: AWS::Serverless::Function
    Properties: {FunctionUrlConfig: {InvokeMode: RESPONSE_STREAM}}
"""


@dataclass
class Followed:
    """An emulator that follows the edits of a template."""

    emulator: Emulator
    capsys: pytest.CaptureFixture[str]
    errors: str = ""

    async def told(self, *texts: str) -> str:
        """Wait for a line with each of the texts; return all that has been told since the last call."""

        async def wait() -> None:
            while not all(text in self.errors for text in texts):
                self.errors += self.capsys.readouterr().err
                await asyncio.sleep(0.01)

        try:
            await asyncio.wait_for(wait(), TIMEOUT_S)
        except asyncio.TimeoutError:
            raise AssertionError(f"{texts} in {self.errors!r}") from None
        told, self.errors = self.errors, ""
        return told


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    monkeypatch.setattr(file_watch, "INTERVAL_S", 0.01)
    monkeypatch.setenv("STREAMIFY_CACHE_DIR", str(cache))


@asynccontextmanager
async def following(source: TemplateSource, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Followed]:
    watch = FileWatch(source.files)
    reading = source.read()
    async with Emulator(reading.template, port=0, say=print, log=print) as emulator:
        task = asyncio.create_task(follow(source, watch, emulator, reading))
        capsys.readouterr()
        yield Followed(emulator, capsys)
        assert not task.done()
        task.cancel()


def test_an_edit_counts_at_once_and_a_line_says_what_has_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_template(tmp_path)

    async def main() -> None:
        async with following(TemplateSource(path), capsys) as followed:
            first = followed.emulator.urls["first"]
            text = path.read_text().replace("Timeout: 60", "Timeout: 61").replace("  Second:", "  Other:")
            path.write_text(text + THIRD)

            told = await followed.told("was read again")

            urls = followed.emulator.urls
            assert told.splitlines()[-1] == (
                f"{path} was read again: first: Timeout (60 to 61) changed; Other added at {urls['Other']}; "
                f"Third added at {urls['Third']}; Second removed"
            )
            assert list(urls) == ["first", "Other", "Third"]
            assert urls["first"] == first

    run(main())


def test_a_broken_template_is_reported_with_its_line_and_the_old_one_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_template(tmp_path)
    good = path.read_text()
    line = good.splitlines().index("  First:") + 3

    async def main() -> None:
        async with following(TemplateSource(path), capsys) as followed:
            urls = dict(followed.emulator.urls)
            path.write_text(good + "  a: [")
            assert "it is not YAML: " in (told := await followed.told("is still served"))
            assert " in line " in told

            path.write_text(good.replace("{FunctionName: first,", "{FunctionName: first, Timeout: x,"))
            told = await followed.told("is still served")
            assert told.startswith(
                f"error: {path}:{line}: First: Timeout: 'x' is not a number of seconds; the template "
            )

            path.unlink()
            await followed.told("there is no such file", "is still served")
            assert followed.emulator.urls == urls

            path.write_text(good + "# the end")
            await followed.told("was read again: nothing that is served has changed")

    run(main())


def test_an_edit_of_the_variables_counts_and_their_values_are_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, variables = write_template(tmp_path), tmp_path / "variables.json"
    variables.write_text("{}")

    async def main() -> None:
        async with following(TemplateSource(path, env_vars=variables), capsys) as followed:
            variables.write_text(json.dumps({"Second": {"INIT": "secret = 1"}}))
            told = await followed.told("was read again: Second: variable INIT changed")
            assert "secret" not in told

            variables.write_text("{")
            await followed.told("it is not JSON", "is still served")

    run(main())


def test_strict_refuses_an_edit_with_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_template(tmp_path)
    good = path.read_text()

    async def main() -> None:
        async with following(TemplateSource(path, strict=True), capsys) as followed:
            path.write_text(good.replace("InvokeMode: RESPONSE_STREAM", "InvokMode: RESPONSE_STREAM"))
            await followed.told("--strict: ", "is still served")

    run(main())
