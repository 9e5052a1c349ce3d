"""The plugin inside pytest; tests/ecosystem runs it from the built wheel."""

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambda_streamify_emulator.__main__ import MISSING_DEPENDENCY
from threaded_runtime import SCRIPT
from tiny_template import write_template

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambda_streamify_emulator.replays.replay import Replay

pytest_plugins = ["pytester"]

RECORDING = '{"version":1,"kind":"lambda-stream","layer":"client"}\n[1,"o","a"]\n[9,"o","b"]\n'
USES_FUNCTIONS = """
def test_names(streamify):
    assert list(streamify.urls) == ["first", "Second"]

def test_failure(streamify):
    streamify.get("first")
    assert 0
"""


# pytester forgets what a run has imported, and the next imports it again: what is slow is imported before, or never.
for name in ("replays.replay", "testing.emulator", "web.web_server"):
    importlib.import_module(f"lambda_streamify_emulator.{name}")
SLOW_PLUGINS = ("ddtrace", "langsmith_plugin", "locust", "asyncio", "anyio", "cacheprovider")


def outcome(pytester: pytest.Pytester, *options: str) -> pytest.RunResult:
    without = [part for plugin in SLOW_PLUGINS for part in ("-p", f"no:{plugin}")]
    return pytester.runpytest_inprocess(*without, *options)


def test_a_recording_is_found_beside_the_test(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile("""
        def test_chunks(stream_recording):
            assert list(stream_recording("here.ndjson")) == [b"a", b"b"]
            assert stream_recording("here.ndjson", mode="virtual").clock.now() == 0
            assert stream_recording("here.ndjson", mode="real", speed=100).mode == "real"

        def test_missing(stream_recording):
            stream_recording("nowhere.ndjson")
    """)
    (pytester.path / "here.ndjson").write_text(RECORDING)

    result = outcome(pytester)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["there is no recording nowhere.ndjson, neither in * nor in *"])


def test_the_mode_is_instant_unless_the_test_says_otherwise(
    stream_recording: "Callable[..., Replay]", tmp_path: Path
) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(RECORDING)

    assert stream_recording(path).mode == "instant"


def test_functions_may_run_several_invocations_at_a_time(pytester: pytest.Pytester) -> None:
    write_template(pytester.path)
    (pytester.path / "layer" / "runtime").write_text(SCRIPT)
    pytester.makeini("[pytest]\nstreamify_max_concurrency =\n    first=3\n")
    pytester.makepyfile("""
        CODE = "respond(os.environ.get('AWS_LAMBDA_MAX_CONCURRENCY', 'none').encode())"

        def test_number(streamify):
            assert streamify.invoke("first", CODE).body == b"3"
    """)

    outcome(pytester).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("first=many", "streamify_max_concurrency first=many: write a number from 1 to 1600, or NAME=NUMBER"),
        ("third=2", "--max-concurrency third: there is no such function; there are first, Second"),
    ],
)
def test_a_wrong_number_of_invocations_is_reported_once(pytester: pytest.Pytester, line: str, problem: str) -> None:
    write_template(pytester.path)
    pytester.makeini(f"[pytest]\nstreamify_max_concurrency = {line}\n")
    pytester.makepyfile("def test_any(streamify): pass")

    result = outcome(pytester)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*template.yaml: {problem}"])


def test_functions_of_the_template_run_and_a_failure_shows_their_logs(pytester: pytest.Pytester) -> None:
    write_template(pytester.path)
    pytester.makepyfile(USES_FUNCTIONS)

    result = outcome(pytester)

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*Captured function logs*", "first: *Runtime exited with error*"])


def test_layers_of_the_template_come_from_the_configured_paths(pytester: pytest.Pytester) -> None:
    path, arn = write_template(pytester.path), "arn:aws:lambda:us-east-1:123456789012:layer:runtime:1"
    path.write_text(path.read_text().replace("[!Ref Layer]", f"['{arn}']"))
    pytester.makepyfile(USES_FUNCTIONS)

    outcome(pytester, "-o", f"streamify_layers={arn}=layer").assert_outcomes(passed=1, failed=1)
    result = outcome(pytester, "-o", f"streamify_layers={arn}")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines([f"streamify_layers: '{arn}' must be written as ARN=PATH"])


def test_a_missing_template_fails_the_tests_that_use_it_in_one_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_FUNCTIONS)

    result = outcome(pytester, "-o", "streamify_template=a/b.yaml")

    result.assert_outcomes(errors=2)
    path = pytester.path / "a" / "b.yaml"
    result.stdout.fnmatch_lines([f"there is no template {path}: set the pytest option streamify_template"])


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        ("Init", "streamify_parameters: 'Init' must be written as NAME=VALUE"),
        ("Other=1", "*/template.yaml: it has no parameter Other; its parameters: Init"),
    ],
)
def test_a_wrong_parameter_fails_in_one_line(pytester: pytest.Pytester, parameter: str, message: str) -> None:
    write_template(pytester.path)
    pytester.makepyfile(USES_FUNCTIONS)

    result = outcome(pytester, "-o", f"streamify_parameters={parameter}")

    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines([message])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_without_the_extra_both_fixtures_skip_with_the_pip_line(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = "lambda_streamify_emulator"
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    for module in ("testing.emulator", "emulator", "web.web_server"):
        monkeypatch.delitem(sys.modules, f"{package}.{module}", raising=False)
    write_template(pytester.path)
    pytester.makepyfile(USES_FUNCTIONS)

    result = outcome(pytester, "-rs")

    result.assert_outcomes(skipped=2)
    assert f"{MISSING_DEPENDENCY} (uvicorn is missing)" in result.stdout.str()


def test_a_failed_import_of_the_package_itself_is_not_skipped(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lambda_streamify_emulator.replays.replay", None)
    pytester.makepyfile("def test_it(stream_recording):\n    pass\n")

    outcome(pytester).assert_outcomes(errors=1)
