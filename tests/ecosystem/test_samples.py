"""Every sample of the template: what it must bring, that it answers as recorded, and that its recording replays."""

import asyncio
from pathlib import Path

import pytest

from lambda_streamify_emulator.replays.replay import Replay
from lambda_streamify_emulator.testing.fixture import Streamify
from processes import ROOT, interpreter, run
from request_events import FOLDER, event
from sample_answers import ALONE, FUNCTIONS, WITH_SERVICES, asked, assert_as_recorded, recording

PAGE = ROOT / "docs" / "reference" / "samples.md"
RECORDED = sorted(path.stem for path in FOLDER.glob("*.ndjson"))


# --- what a sample brings --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sample_is_named_after_its_folder_and_says_why_it_is_there(name: str) -> None:
    app = FUNCTIONS[name].code / "app.py"

    assert FUNCTIONS[name].code == ROOT / "functions" / name
    assert FUNCTIONS[name].invoke_mode == "RESPONSE_STREAM"
    if name != "hello":  # the tutorial's, word for word
        assert app.read_text(encoding="utf-8").startswith('"""')


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sample_has_an_event_a_recording_and_a_row_on_the_page(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert event(name)["requestContext"]["domainName"].endswith(".on.aws")
    assert recording(name)[-1].data["reason"] == "end"
    assert f"| [`{name}`](../../functions/{name}/app.py) |" in page


def test_no_folder_recording_or_row_is_left_of_a_sample_that_is_no_more() -> None:
    elsewhere = {path.parent.name for path in (ROOT / "functions").glob("*/template.yaml")}

    assert {path.parent.name for path in (ROOT / "functions").glob("*/app.py")} == FUNCTIONS.keys() | elsewhere
    assert set(RECORDED) == set(FUNCTIONS)
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("](../../functions/") == len(FUNCTIONS.keys() | elsewhere)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_sample_that_needs_services_has_tests_of_its_own_and_is_excused_by_nothing_else(name: str) -> None:
    assert (ROOT / "tests" / "ecosystem" / f"test_sample_{name}.py").exists() == (name in WITH_SERVICES)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_sample_requires_is_pinned(name: str) -> None:
    requirements = FUNCTIONS[name].code / "requirements.txt"
    lines = requirements.read_text(encoding="utf-8").splitlines() if requirements.exists() else []

    assert [line for line in lines if "==" not in line.partition(";")[0]] == []


def test_what_the_tests_pin_too_is_the_same_version() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for name in ("django", "fastapi", "flask", "powertools"):
        *_, newest = (ROOT / "functions" / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
        assert f'"{newest.partition(";")[0].strip()}' in project


@pytest.mark.parametrize("version", ["3.10", "3.13"])
def test_what_the_samples_require_can_be_had_for_the_oldest_python_and_a_new_one(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} here")
    files = [path for function in FUNCTIONS.values() for path in function.code.glob("requirements.txt")]
    options = [argument for path in files for argument in ("--requirement", path)]

    run(
        *("python", "-m", "pip", "--python", python, "install", "--dry-run", "--quiet", "--only-binary", ":all:"),
        *("--disable-pip-version-check", "--target", tmp_path, *options),
        timeout=300,
    )


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALONE)
def test_a_sample_answers_its_event_as_recorded_and_streams(name: str, samples: Streamify) -> None:
    result = asked(samples, name)

    assert_as_recorded(result, name)
    result.assert_streamed()


@pytest.mark.parametrize("name", ALONE)
def test_a_sample_answers_the_sdk_as_it_answers_its_url(name: str, samples: Streamify) -> None:
    assert_as_recorded(samples.invoke(name, event(name)), name)


# --- recordings ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_holds_no_secret_and_nobodys_address(name: str) -> None:
    text = (FOLDER / f"{name}.ndjson").read_text(encoding="utf-8")

    assert len(text) < 16 * 1024
    for word in ("127.0.0.1", "localhost", "/home/", "/tmp/", "AKIA", "X-Amz-Signature"):  # noqa: S108 - none is used
        assert word not in text


@pytest.mark.parametrize("name", RECORDED)
def test_the_function_replay_replays_it_to_the_byte_with_its_borders(name: str, samples: Streamify) -> None:
    assert_as_recorded(samples.get("replay", f"/?recording={name}&instant"), name)


@pytest.mark.parametrize("name", RECORDED)
def test_the_emulator_replays_it_to_the_byte_with_its_borders(name: str) -> None:
    replay = Replay(FOLDER / f"{name}.ndjson", mode="instant")
    recorded = [chunk for one in recording(name) if (chunk := one.chunk) is not None]

    async def chunks() -> list[bytes]:
        return [chunk async for chunk in replay]

    assert list(replay) == asyncio.run(chunks()) == recorded
    assert list(replay.events()) == recording(name)


def test_a_faulty_replay_is_faulty_as_asked(samples: Streamify) -> None:
    recorded = [chunk for one in recording("story") if (chunk := one.chunk) is not None]

    cut = samples.get("replay", "/?recording=story&instant&truncate=3")
    failed = samples.get("replay", "/?recording=story&instant&error=2")

    assert (cut.chunks, cut.error) == (recorded[:3], None)
    assert failed.chunks == recorded[:2]
    assert failed.error is not None
    assert (failed.error.type, failed.error.message) == ("Function.Error", "an injected error")


def test_a_recording_that_is_not_there_is_not_found(samples: Streamify) -> None:
    result = samples.get("replay", "/?recording=nothing")

    assert (result.status_code, result.text) == (
        404,
        f"There is no recording 'nothing'. There are: {', '.join(RECORDED)}.\n",
    )
