"""The pytest plugin. pytest loads it wherever the wheel is installed, so importing it must need only pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .__main__ import MISSING_DEPENDENCY

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from os import PathLike

    from .replays.replay import Replay
    from .testing.emulator import TemplateEmulator
    from .testing.fixture import Streamify

TEMPLATE, PARAMETERS, LAYERS = "streamify_template", "streamify_parameters", "streamify_layers"
MAX_CONCURRENCY = "streamify_max_concurrency"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the plugin's ini options."""
    parser.addini(
        TEMPLATE, "the SAM template of the fixture `streamify`, relative to the root folder", default="template.yaml"
    )
    parser.addini(PARAMETERS, "parameters of that template, each as NAME=VALUE", type="linelist")
    parser.addini(LAYERS, "folders or .zip files of layers, from the root folder, each as ARN=PATH", type="linelist")
    parser.addini(
        MAX_CONCURRENCY,
        "how many invocations a sandbox runs at a time, each as NAME=N, or N for all whose template does not say it",
        type="linelist",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Add the log lines of the functions to the report of a failed test."""
    streamify = getattr(item, "funcargs", {}).get("streamify")
    if call.when == "call" and call.excinfo is not None and streamify is not None:
        lines = [f"{line.function}: {line.text}" for line in streamify.logs]
        item.add_report_section("call", "function logs", "\n".join(lines))
    return (yield)


@pytest.fixture(scope="session")
def _streamify_emulator(pytestconfig: pytest.Config) -> Iterator[TemplateEmulator]:
    try:
        from .errors import EmulatorError
        from .settings import read_max_concurrency
        from .testing.emulator import TemplateEmulator
    except ModuleNotFoundError as error:
        _skip(error)
    path = pytestconfig.rootpath / str(pytestconfig.getini(TEMPLATE))
    if not path.is_file():
        pytest.fail(f"there is no template {path}: set the pytest option {TEMPLATE}", pytrace=False)
    layers = _pairs(LAYERS, "ARN=PATH", pytestconfig.getini(LAYERS))
    parameters = _pairs(PARAMETERS, "NAME=VALUE", pytestconfig.getini(PARAMETERS))
    folders = {arn: pytestconfig.rootpath / place for arn, place in layers.items()}
    problem = None
    try:
        max_concurrency = read_max_concurrency(MAX_CONCURRENCY, pytestconfig.getini(MAX_CONCURRENCY))
        emulator = TemplateEmulator(path, parameters, folders, max_concurrency)
        emulator.start()
    except EmulatorError as error:
        problem = str(error)
    if problem is not None:  # outside the except block, so that pytest does not print the error a second time
        pytest.fail(problem if str(path) in problem else f"{path}: {problem}", pytrace=False)
    yield emulator
    emulator.stop()


@pytest.fixture
def streamify(_streamify_emulator: TemplateEmulator) -> Iterator[Streamify]:
    """The running functions of the SAM template: streamify.invoke("name"), .get, .post, .open, .urls, .logs.

    The emulator starts once per session, with the template.yaml of the root folder or the one that the ini options
    streamify_template, streamify_parameters and streamify_layers name; streamify_max_concurrency says how many
    invocations a sandbox runs at a time. Each test sees only its own logs.

        def test_hello(streamify):
            result = streamify.get("hello")
            result.assert_streamed()
            assert result.status_code == 200

    See docs/guides/testing.md.
    """
    from .testing.fixture import Streamify

    functions = Streamify(_streamify_emulator)
    yield functions
    functions.close()


@pytest.fixture
def stream_recording(request: pytest.FixtureRequest) -> Callable[..., Replay]:
    """A function that takes the path of a recording and returns a Replay: an iterator and async iterator of its chunks.

    The path is relative to the test's own folder or, if there is no such file, to the root folder. Options: mode
    ("instant" by default, or "virtual", "lockstep", "real"), speed, faults, clock. `.events()` yields the recording's
    events, `.as_event_stream()` returns a response like that of boto3's invoke_with_response_stream.

        def test_parser(stream_recording):
            assert list(parse(stream_recording("recordings/chat.ndjson"))) == ["Once", " upon"]

    See docs/guides/testing.md.
    """
    try:
        from .replays.replay import Mode, Replay
    except ModuleNotFoundError as error:
        _skip(error)

    def replay(path: str | PathLike[str], mode: str = Mode.INSTANT.value, **options: Any) -> Replay:
        here, root = request.path.parent / path, request.config.rootpath / path
        if not here.is_file() and not root.is_file():
            pytest.fail(f"there is no recording {path}, neither in {here.parent} nor in {root.parent}", pytrace=False)
        return Replay(here if here.is_file() else root, mode=mode, **options)

    return replay


def _pairs(option: str, form: str, lines: list[str]) -> dict[str, str]:
    wrong = [line for line in lines if "=" not in line]
    if wrong:
        pytest.fail(f"{option}: {wrong[0]!r} must be written as {form}", pytrace=False)
    pairs = (line.partition("=") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _skip(error: ModuleNotFoundError) -> None:
    if error.name and error.name.startswith(str(__package__)):
        raise error
    pytest.skip(f"{MISSING_DEPENDENCY} ({error.name} is missing)")
