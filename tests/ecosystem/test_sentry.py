"""Sentry's AwsLambdaIntegration, which replaces parts of AWS's client, under that client and under the built layer.

The function's transport prints what it is told to send: `flush` is a line of standard output.
"""

import json
from pathlib import Path

import pytest

from parity import DATA, RUNTIMES, Case, Observation, Scene, observe
from sandbox import FileSystem, installed_packages, make_file_system

TASK = DATA / "sentry"
CASES = (Case("plain"), Case("fails", b'{"fail": true}'), Case("logs", b'{"log": true}'), Case("again"))
FAILED = {
    "message": None,
    "exceptions": [["ValueError", "wrong", "aws_lambda"]],
    "functions": ["prepare"],
    "lambda": "id-of-fails",
    "region": "eu-central-1",
}
LOGGED = {"message": "logged", "exceptions": [], "functions": [], "lambda": "id-of-logs", "region": "eu-central-1"}


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> FileSystem:
    return make_file_system(tmp_path_factory.mktemp("sentry") / "root", installed_packages())


def flushed(seen: Observation) -> list[list[object]]:
    """Return what was sent each time that something was to be sent."""
    lines = seen["stdout"].splitlines()
    return [json.loads(line.removeprefix("flush ")) for line in lines if line.startswith("flush ")]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_errors_of_the_handler_and_of_the_log_are_sent_with_each_answer(
    runtime: str, system: FileSystem, tmp_path: Path
) -> None:
    seen = observe(runtime, Scene("sentry", CASES, handler="watched.handler", task=TASK), system, tmp_path)

    assert flushed(seen["plain"]) == flushed(seen["again"]) == [[]]
    assert flushed(seen["fails"]) == [[FAILED]]
    assert flushed(seen["logs"]) == [[LOGGED]]


def test_the_caller_and_the_log_are_told_the_same_under_both(system: FileSystem, tmp_path: Path) -> None:
    scene = Scene("sentry", CASES, handler="watched.handler", task=TASK)
    aws, ours = (observe(runtime, scene, system, tmp_path) for runtime in RUNTIMES)

    assert ours == aws


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_an_error_while_the_function_is_imported_is_sent(runtime: str, system: FileSystem, tmp_path: Path) -> None:
    seen = observe(runtime, Scene("sentry", handler="fails.handler", task=TASK), system, tmp_path)

    (event,) = [event for events in flushed(seen["start"]) for event in events]
    assert isinstance(event, dict)
    assert event["exceptions"] == [["ValueError", "unset", "aws_lambda"]]
    assert event["functions"] == ["prepare"]
    assert seen["start"]["outcome"] == "error, exit 1"
